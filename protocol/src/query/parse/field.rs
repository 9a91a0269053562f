//! `operator:value`.

use super::{
    super::{
        Atom, Comparison, Group, HitKind, Kind, Moment, Operator, Place, QueryError, Sort, Value,
        What,
    },
    Parser,
};

impl Parser<'_> {
    /// The rest of a term whose name and colon were read.
    pub(super) fn field(
        &mut self,
        name: &str,
        start: usize,
        negated: bool,
    ) -> Result<Option<What>, QueryError> {
        let Some((operator, implied)) = Operator::read(name) else {
            return self.unknown(name, start);
        };
        let (atoms, value) = self.value(operator, implied)?;
        let place = Place {
            start,
            end: self.cursor.at(),
        };
        self.count(atoms.saturating_sub(1), place)?;
        let value = match value {
            Ok(value) => settled(operator, implied, value),
            Err((message, instead)) => {
                let instead = instead.map(|value| format!("{}:{value}", operator.name()));
                self.note(place, format!("`{name}:` {message}"), instead);
                return Ok(None);
            }
        };
        let direction = matches!(
            operator,
            Operator::Show | Operator::Group | Operator::Sort | Operator::About
        );
        if direction && negated {
            let message = format!("`{name}:` cannot be negated and was left out");
            self.note(place, message, None);
            return Ok(None);
        }
        if direction {
            self.direct(operator, &value);
            return Ok(None);
        }
        Ok(Some(What::Field(operator, value)))
    }

    /// What is said about the answer and not about the results.
    fn direct(&mut self, operator: Operator, value: &Value) {
        let atoms = match value {
            Value::Any(atoms) => atoms.as_slice(),
            Value::Is(atom) => std::slice::from_ref(atom),
            Value::Compared(..) | Value::Between(..) => &[],
        };
        for atom in atoms {
            let Atom::Text(text) = atom else { continue };
            match operator {
                Operator::Show if text == "count" => self.query.count = true,
                Operator::Show => self.query.show = HitKind::read(text),
                Operator::Group => self.query.group = Group::read(text),
                Operator::Sort => self.query.sort = Sort::read(text),
                _ if self.query.about.contains(text) => {}
                _ => self.query.about.push(text.clone()),
            }
        }
    }

    /// How many atoms there are, and the value or what is wrong with it.
    #[expect(
        clippy::type_complexity,
        reason = "a message with what could stand instead"
    )]
    fn value(
        &mut self,
        operator: Operator,
        implied: Option<Comparison>,
    ) -> Result<(usize, Result<Value, (String, Option<String>)>), QueryError> {
        let kind = operator.kind();
        let read = |text: &str| {
            Atom::read(text, kind).map_err(|wrong| {
                let message = format!("takes {}, not `{text}`", wrong.expected);
                (message, wrong.instead)
            })
        };
        if let Some(list) = self.cursor.take_list()? {
            let atoms: Result<Vec<_>, _> = list.iter().map(|text| read(text)).collect();
            let value = match atoms {
                Err(wrong) => Err(wrong),
                Ok(atoms) => any(atoms).ok_or_else(nothing),
            };
            return Ok((list.len(), value));
        }
        if let Some(quoted) = self.cursor.take_quoted()? {
            let value = if quoted.is_empty() {
                Err(nothing())
            } else {
                read(&quoted).map(Value::Is)
            };
            return Ok((1, value));
        }
        let text = self.cursor.take_value();
        if !Atom::ordered(kind) {
            let value = match kind {
                _ if text.is_empty() => Err(nothing()),
                // A fixed word has no comma, so one parts two of them.
                Kind::OneOf(_) => {
                    let parts = text.split(',').filter(|part| !part.is_empty());
                    let atoms: Result<Vec<_>, _> = parts.map(read).collect();
                    atoms.and_then(|atoms| any(atoms).ok_or_else(nothing))
                }
                _ => read(text).map(Value::Is),
            };
            return Ok((1, value));
        }
        if let Some((from, to)) = text.split_once("..") {
            let open = |text: &str| text.is_empty() || text == "*";
            let value = match (open(from), open(to)) {
                (true, true) => Err(nothing()),
                (true, false) => read(to).map(|to| Value::Compared(Comparison::AtMost, to)),
                (false, true) => read(from).map(|from| Value::Compared(Comparison::AtLeast, from)),
                (false, false) => read(from).and_then(|from| Ok(Value::Between(from, read(to)?))),
            };
            return Ok((2, value));
        }
        let (comparison, rest) = Comparison::read(text);
        let value = if rest.is_empty() {
            Err(nothing())
        } else {
            read(rest).map(|atom| match comparison.or(implied) {
                Some(comparison) => Value::Compared(comparison, atom),
                None => Value::Is(atom),
            })
        };
        Ok((1, value))
    }
}

fn nothing() -> (String, Option<String>) {
    ("needs a value".to_owned(), None)
}

/// One of several is itself; the same one twice is one.
pub(in crate::query) fn any(atoms: Vec<Atom>) -> Option<Value> {
    let mut distinct: Vec<Atom> = Vec::with_capacity(atoms.len());
    for atom in atoms {
        if !distinct.contains(&atom) {
            distinct.push(atom);
        }
    }
    match distinct.len() {
        0 => None,
        1 => distinct.pop().map(Value::Is),
        _ => Some(Value::Any(distinct)),
    }
}

/// One form for what can be said in several.
fn settled(operator: Operator, implied: Option<Comparison>, value: Value) -> Value {
    let changes = matches!(
        operator,
        Operator::Changed | Operator::Added | Operator::Removed
    );
    match value {
        // A point has no length: what changed "at" it is what changed since.
        Value::Is(Atom::Anchor(anchor)) if changes => {
            Value::Compared(Comparison::More, Atom::Anchor(anchor))
        }
        Value::Compared(Comparison::AtLeast, Atom::Anchor(anchor)) if implied.is_some() => {
            Value::Compared(Comparison::More, Atom::Anchor(anchor))
        }
        Value::Compared(_, atom @ Atom::Moment(Moment::Away(_)))
            if changes && implied == Some(Comparison::AtLeast) =>
        {
            Value::Is(atom)
        }
        // The operator itself says on which side.
        Value::Compared(_, atom) if matches!(operator, Operator::Before | Operator::After) => {
            Value::Is(atom)
        }
        Value::Is(Atom::Text(text)) if operator == Operator::Ext => {
            Value::Is(Atom::Text(text.trim_start_matches('.').to_lowercase()))
        }
        other => other,
    }
}
