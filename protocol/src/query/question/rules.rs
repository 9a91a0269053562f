//! The rules, in order: what words mean as a piece of a query.

use super::{
    super::{Moment, Now, Operator},
    Pieces, Taken,
    slots::fill_in,
    tokens::{Slot, Token, Tokens},
};

/// Patterns that must all be found, wherever they stand, and what they mean. In the meaning, `$1` is the
/// first known thing, `$since1` a comparison that begins there, `$within1` the two ends of that time,
/// and `$before1` the revision before it.
struct Rule {
    parts: &'static [&'static str],
    means: &'static str,
    /// Whether it tells a question from mere words.
    strong: bool,
}

const fn rule(parts: &'static [&'static str], means: &'static str) -> Rule {
    Rule {
        parts,
        means,
        strong: true,
    }
}

const fn weak(parts: &'static [&'static str], means: &'static str) -> Rule {
    Rule {
        parts,
        means,
        strong: false,
    }
}

const CHANGED: &str =
    "~change|modify|update|touch|edit|alter|move|differ|happen|rewrite|difference|new|different";
const ADDED: &str = "~add|create|appear";
const REMOVED: &str = "~remove|delete|drop|disappear|vanish|gone|missing";
const SINCE: &str = "since|after|from {moment|anchor}";
const SINCE_REVISION: &str = "since|after|from {revision}";
const WITHIN: &str = "in|on|during|within|over|for? {moment}";

const SINCE_MY_REVIEW: &str = "changed:>@my-last-review";

const RULES: &[Rule] = &[
    // What changed, between, since, within.
    rule(
        &["between {revision} and {revision}"],
        "changed:@rev:$1..@rev:$2",
    ),
    rule(
        &["from {revision} to {revision}"],
        "changed:@rev:$1..@rev:$2",
    ),
    rule(
        &["between {anchor|moment} and {anchor|moment}", CHANGED],
        "changed:$1..$2",
    ),
    rule(
        &["from {anchor|moment} to {anchor|moment}", CHANGED],
        "changed:$1..$2",
    ),
    rule(
        &[
            "~compare|difference|differ|diff",
            "{revision}",
            "{revision}",
        ],
        "changed:@rev:$1..@rev:$2",
    ),
    rule(
        &[
            "~compare|difference|differ|diff",
            "with|to|and|between? {anchor}",
        ],
        "changed:$since1",
    ),
    rule(&["new ~file|document|artifact", SINCE], "added:$since1"),
    rule(&[ADDED, SINCE], "added:$since1"),
    rule(&[REMOVED, SINCE], "removed:$since1"),
    rule(&[CHANGED, SINCE], "changed:$since1"),
    rule(&[ADDED, SINCE_REVISION], "added:>@rev:$1"),
    rule(&[REMOVED, SINCE_REVISION], "removed:>@rev:$1"),
    rule(&[CHANGED, SINCE_REVISION], "changed:>@rev:$1"),
    rule(
        &[CHANGED, "in|with {revision}"],
        "changed:@rev:$before1..@rev:$1",
    ),
    rule(&[ADDED, WITHIN], "added:$1"),
    rule(&[REMOVED, WITHIN], "removed:$1"),
    rule(
        &["~change|modify|update|touch|edit|alter|rewrite", WITHIN],
        "changed:$1",
    ),
    rule(
        &["changed|change|changes", "i", "{anchor}"],
        "changed:$since1",
    ),
    // Errors of the validator before any other kind of error.
    rule(
        &[
            "files|documents|handoffs? with|having? validation|contract|schema error|errors|problems|failures",
        ],
        "has:validation-error",
    ),
    rule(
        &["validation|contract|schema error|errors|problem|problems|failure|failures"],
        "has:validation-error",
    ),
    rule(
        &["failed|failing|fails|fail validation"],
        "has:validation-error",
    ),
    rule(
        &["break|breaks|broke|broken contract|schema|rules"],
        "has:validation-error",
    ),
    rule(
        &["invalid files|file|documents|handoffs|handoff|deliveries"],
        "has:validation-error",
    ),
    rule(
        &["validator|validation ~complain|report|find|reject|say|about?"],
        "has:validation-error",
    ),
    rule(
        &[
            "~file|document|delivery|handoff",
            "broken|malformed|corrupt|unparsable",
        ],
        "has:validation-error",
    ),
    rule(&["dead letter|letters"], "is:dead-letter"),
    rule(
        &["refused deliveries|delivery|handoffs|files"],
        "is:dead-letter",
    ),
    rule(&["deliveries", "refused"], "is:dead-letter"),
    rule(&["could|can not be read"], "is:dead-letter"),
    rule(&["couldnt be read"], "is:dead-letter"),
    // Agents in trouble.
    rule(
        &["which|what ~agent", "~keep ~fail|break|crash"],
        "is:failing group:agent",
    ),
    rule(
        &["which|what ~agent", "~fail|break|crash most|often?"],
        "is:failing group:agent",
    ),
    rule(&["~fail|crash|break ~agent"], "is:failing group:agent"),
    rule(&["~keep ~fail|crash|break"], "is:failing"),
    rule(&["~fall|go|be|stay|become silent|quiet|dark"], "is:stalled"),
    rule(&["~stall|hang|silent|quiet|unresponsive"], "is:stalled"),
    rule(
        &["~stop with|by|on|for|because of? ~error"],
        "trigger:error",
    ),
    rule(&["~run into ~error|trouble|problem"], "trigger:error"),
    rule(&["stopped because unsure|uncertain"], "trigger:confidence"),
    rule(
        &["cannot|cant|not be undone|reversed|reverted"],
        "trigger:critical-action",
    ),
    rule(
        &["irreversible|critical action|actions|step|steps?"],
        "trigger:critical-action",
    ),
    rule(&["irreversible"], "trigger:critical-action"),
    // Whose turn it is.
    rule(&["~wait on|for me"], "is:my-turn"),
    rule(
        &["need|needs|want|wants me|my attention|answer|decision|review?"],
        "is:my-turn",
    ),
    rule(&["my turn|queue|inbox|todo"], "is:my-turn"),
    rule(
        &[
            "i|me must|should|need|have|to to? review|decide|approve|look|answer|do|check|sign at|off?",
        ],
        "is:my-turn",
    ),
    rule(
        &[
            "should|must|do i have|need? to? review|decide|approve|look|answer|do|check|sign at|off?",
        ],
        "is:my-turn",
    ),
    rule(&["waiting|waits on|for agent|agents"], "is:sent-back"),
    rule(&["sent back"], "is:sent-back"),
    rule(&["changes requested"], "is:sent-back"),
    rule(
        &["changes", "asked|requested"],
        "decision:changes-requested show:decisions",
    ),
    rule(
        &["~wait|pend|open|undecided for|since? {length}"],
        "is:waiting age:>$1",
    ),
    rule(
        &["~wait|pend|undecided|unanswered", "{lengths}"],
        "is:waiting age:$1",
    ),
    rule(&["stuck|blocked"], "is:waiting sort:oldest"),
    rule(
        &["waiting|pending|undecided", "longest|oldest"],
        "is:waiting sort:oldest",
    ),
    rule(
        &[
            "waiting|awaiting|pending|needs|need|wait for? approval|review|decision|answer|reviewer|reviewers|person|somebody|human",
        ],
        "is:waiting",
    ),
    rule(
        &["not been? decided|reviewed|answered|approved yet?"],
        "is:waiting",
    ),
    rule(&["nobody has? decided|reviewed|answered"], "is:waiting"),
    rule(
        &[
            "open|pending|unanswered|undecided|unreviewed|waiting ~handoff|review|request|item|work|card|task|decision",
        ],
        "is:waiting",
    ),
    rule(
        &["waiting|pending|undecided|unanswered|unreviewed|awaiting"],
        "is:waiting",
    ),
    rule(&["past due|deadline"], "is:overdue"),
    rule(&["past their deadline|due"], "is:overdue"),
    rule(&["overdue|late"], "is:overdue"),
    rule(&["missed deadline|deadlines|their"], "is:overdue"),
    rule(&["~expire|end|due within|in next? {length}"], "due:<$1"),
    rule(&["~expire|end|due in? {lengths}"], "due:$1"),
    rule(&["~expire|end|due by|on|until? {moment}"], "due:$1"),
    rule(&["~lock|hold|reserve", "{agent}"], "lock:$1"),
    rule(&["~lock|hold|reserve"], "is:locked"),
    rule(&["~snooze"], "is:snoozed"),
    rule(&["~claim"], "is:claimed"),
    rule(&["stale"], "is:stale"),
    // Who looked.
    rule(
        &["who", "~look|open|view|see|read at?"],
        "event:handoff.viewed show:events",
    ),
    rule(
        &["nobody|no-one|noone|none has|have? ~view|open|see|read|look at?"],
        "viewed:nobody",
    ),
    rule(
        &["have|did i not ~view|open|see|read|look at? yet?"],
        "-viewed:me",
    ),
    rule(
        &["never|not been? viewed|opened|seen|read|looked at?"],
        "viewed:nobody",
    ),
    rule(&["unviewed|unopened|unseen|unread"], "viewed:nobody"),
    rule(
        &["i have|did not ~view|open|see|read|look at? yet?"],
        "-viewed:me",
    ),
    rule(
        &["i havent|didnt|never ~view|open|see|read|look at? yet?"],
        "-viewed:me",
    ),
    rule(&["i have? ~view|open|see|read"], "viewed:me"),
    rule(&["viewed|opened|seen|read by {person}"], "viewed:$1"),
    // Decisions.
    rule(&["did i approve"], "decision:approved by:me show:decisions"),
    rule(&["did i reject"], "decision:rejected by:me show:decisions"),
    rule(
        &["i have? approved"],
        "decision:approved by:me show:decisions",
    ),
    rule(
        &["i have? rejected"],
        "decision:rejected by:me show:decisions",
    ),
    rule(&["i have? decided"], "by:me show:decisions"),
    rule(&["my decisions|answers|reviews"], "by:me show:decisions"),
    rule(&["did i decide"], "by:me show:decisions"),
    rule(&["~sign off"], "decision:approved show:decisions"),
    rule(
        &["~approve|accept|approval|sign"],
        "decision:approved show:decisions",
    ),
    rule(
        &["~reject|decline|refuse|deny|rejection|turned down?"],
        "decision:rejected show:decisions",
    ),
    rule(&["~withdrawn|withdrew|retract"], "decision:withdrawn"),
    rule(&["~decide|decision|verdict"], "show:decisions"),
    // Levels.
    rule(&["high|highest risk"], "risk:high"),
    rule(&["medium risk"], "risk:medium"),
    rule(&["low risk"], "risk:low"),
    rule(&["risky|dangerous|risk"], "risk:high"),
    rule(&["riskiest"], "sort:risk"),
    weak(&["confidential data?"], "class:confidential"),
    weak(&["restricted data?"], "class:restricted"),
    rule(
        &["confidence|confident|certainty", "{numbers}"],
        "confidence:$1",
    ),
    rule(&["confidence of? {number}"], "confidence:$1"),
    rule(&["below|under floor"], "confidence:<floor"),
    rule(&["low|little confidence"], "confidence:<floor"),
    rule(&["unsure|uncertain|unconfident"], "confidence:<floor"),
    rule(&["not sure|certain|confident"], "confidence:<floor"),
    rule(&["least confident|sure"], "sort:confidence"),
    rule(&["~fail ~check"], "check:failed"),
    rule(&["~check ~fail"], "check:failed"),
    rule(&["{agent} ~fail|crash|break"], "agent:$1 is:failing"),
    rule(&["~fail|crash"], "is:failing"),
    rule(&["unverified|not verified?"], "check:unverified"),
    // What they contain.
    rule(
        &["secret|secrets|password|passwords|credential|credentials"],
        "has:secret",
    ),
    rule(
        &["open|unresolved thread|threads|discussion|discussions|comments"],
        "has:open-thread",
    ),
    rule(&["fatal|critical ~error|line|message?"], "level:fatal"),
    rule(
        &["with|has|have|having|without comments|comment|remarks"],
        "has:comment",
    ),
    rule(
        &["with|has|have|having|without warnings|warning"],
        "has:warning",
    ),
    rule(
        &["with|has|have|having|without questions|question"],
        "has:question",
    ),
    rule(
        &["with|has|have|having|contain|contains|containing errors|error"],
        "has:error",
    ),
    rule(&["error lines|messages"], "level:error"),
    weak(&["warnings|warning"], "has:warning"),
    weak(&["errors|error"], "has:error"),
    // Size and age.
    rule(&["{sizes}"], "size:$1"),
    rule(&["largest|biggest"], "sort:largest"),
    rule(&["smallest"], "sort:smallest"),
    weak(&["large|big|huge"], "sort:largest"),
    rule(&["{lengths} old?"], "age:$1"),
    rule(&["{revisions}"], "rev:$1"),
    rule(&["latest|newest|recent|recently"], "sort:newest"),
    rule(&["oldest|earliest"], "sort:oldest"),
    // Counting and grouping.
    rule(
        &["~rank|order|sort ~agent by number|count|share? of?"],
        "group:agent",
    ),
    rule(
        &["which|what|per|by|each|every|group|compare|top by? ~agent of?"],
        "group:agent",
    ),
    rule(
        &["~rank|order|sort ~workspace|project by number|count|share? of?"],
        "group:ws",
    ),
    rule(
        &["which|what|per|by|each|every|group|compare|top by? ~workspace|project of?"],
        "group:ws",
    ),
    rule(
        &["~rank|order|sort ~reviewer|person|user by number|count|share? of?"],
        "group:by",
    ),
    rule(
        &["which|what|per|by|each|every|group|compare|top by? ~reviewer|person|user of?"],
        "group:by",
    ),
    rule(
        &["~rank|order|sort ~type|kind|format by number|count|share? of?"],
        "group:type",
    ),
    rule(
        &["which|what|per|by|each|every|group|compare|top by? ~type|kind|format of?"],
        "group:type",
    ),
    rule(
        &["~rank|order|sort ~folder|directory by number|count|share? of?"],
        "group:folder",
    ),
    rule(
        &["which|what|per|by|each|every|group|compare|top by? ~folder|directory of?"],
        "group:folder",
    ),
    rule(
        &["~rank|order|sort ~outcome|result|verdict by number|count|share? of?"],
        "group:decision",
    ),
    rule(
        &["which|what|per|by|each|every|group|compare|top by? ~outcome|result|verdict of?"],
        "group:decision",
    ),
    rule(
        &["~rank|order|sort ~trigger|reason|cause by number|count|share? of?"],
        "group:trigger",
    ),
    rule(
        &["per|by|each|every|group|compare|top|daily by? ~trigger|reason|cause of?"],
        "group:trigger",
    ),
    rule(
        &["~rank|order|sort ~level by number|count|share? of?"],
        "group:risk",
    ),
    rule(
        &["per|by|each|every|group|compare|top|daily by? ~level of?"],
        "group:risk",
    ),
    rule(
        &["~rank|order|sort ~day|date by number|count|share? of?"],
        "group:day",
    ),
    rule(
        &["per|by|each|every|group|compare|top|daily by? ~day|date of?"],
        "group:day",
    ),
    rule(&["daily"], "group:day"),
    rule(&["how many|often"], "show:count"),
    rule(&["number of"], "show:count"),
    rule(&["count of?"], "show:count"),
    rule(&["who", "most|often"], "group:by"),
    // Names.
    rule(
        &[
            "by|from|of|did|does|has|is|to? {agent} ~write|make|produce|deliver|submit|create|generate|build|draft|prepare|upload|hand|send|do|work? over|up|in|on?",
        ],
        "agent:$1",
    ),
    rule(
        &["by|from|of|did|has? {person} ~say|comment|remark|think"],
        "by:$1 show:comments",
    ),
    rule(&["in|at|of|from|workspace? {ws} workspace?"], "ws:$1"),
    rule(&["by|from|of|did|has|to? {person}"], "by:$1"),
    rule(
        &["in|under|below|inside|at|of|named|called? {path}"],
        "path:$1",
    ),
    rule(&["about|on|of|for|at|in? {id}"], "id:$1"),
    rule(&["about|of|in? {revision}"], "rev:$1"),
    weak(&["{type} ~file|document?"], "type:$1"),
    weak(&["{ext} ~file|document|image?"], "ext:$1"),
    // Time that nothing else took.
    rule(&["since|after {moment|anchor}"], "after:$1"),
    rule(&["before|until {moment|anchor}"], "before:$1"),
    rule(&["older than {moment}"], "before:$1"),
    rule(&["between {moment} and {moment}"], "after:$1 before:$2"),
    weak(&["in|on|during|within|from|over|for? {moment}"], "$within1"),
    weak(&["for {length}"], "age:>$1"),
    // Compared with nothing in particular: with what the asker last answered, as the review page does.
    rule(&["~change|modify|update|happen|different"], SINCE_MY_REVIEW),
    // Kinds.
    weak(&["~handoff|item|card|review|request|task"], "show:handoffs"),
    weak(&["~comment|remark|discuss|said"], "show:comments"),
    weak(&["~checkpoint"], "show:checkpoints"),
    weak(&["~event|entry|activity"], "show:events"),
    weak(&["~file|document|artifact"], "show:files"),
    // Who or where, and nothing else to list.
    weak(&["~agent"], "group:agent"),
    weak(&["~workspace|project"], "group:ws"),
    weak(&["~reviewer|person"], "group:by"),
    weak(&["~folder|directory"], "group:folder"),
];

/// Words that turn the meaning of what follows round.
const NOT: &[&str] = &[
    "not",
    "never",
    "without",
    "no",
    "except",
    "excluding",
    "isnt",
    "arent",
    "wasnt",
    "werent",
    "havent",
    "hasnt",
    "nobody",
    "neither",
];

/// Only files have these, so that the kind need not be said.
const OF_FILES: &[Operator] = &[
    Operator::Changed,
    Operator::Added,
    Operator::Removed,
    Operator::Type,
    Operator::Ext,
    Operator::Size,
    Operator::Has,
];

/// Takes the words of each rule that matches and adds what they mean.
pub(super) fn apply(tokens: &mut Tokens, pieces: &mut Pieces, now: &Now) {
    mentions(tokens, pieces);
    for rule in RULES {
        // Enough for a list of names, and no endless loop when a rule takes nothing.
        for _ in 0..8 {
            let Some((places, taken)) = find(tokens, rule.parts) else {
                break;
            };
            let negated = negated(tokens, &places);
            let means = meaning(rule.means, &taken, now);
            let needless = match rule.means {
                "show:files" => pieces.names(OF_FILES),
                SINCE_MY_REVIEW => pieces.names(&OF_FILES[..3]),
                _ => false,
            };
            if !needless {
                pieces.add(&means, negated);
            }
            pieces.fired += 1;
            pieces.strong += usize::from(rule.strong);
            for (at, count) in places {
                tokens.take(at, count);
            }
        }
    }
}

/// Where all parts are, none on top of another, and what they hold.
fn find(tokens: &Tokens, parts: &[&str]) -> Option<(Vec<(usize, usize)>, Taken)> {
    let mut rest = Tokens(tokens.0.clone());
    let mut places = Vec::new();
    let mut taken = Vec::new();
    for part in parts {
        let (at, count, more) = rest.find(part)?;
        rest.take(at, count);
        places.push((at, count));
        taken.extend(more);
    }
    Some((places, taken))
}

/// Whether a negation stands right before or at the start of one of the places; it is taken with it.
fn negated(tokens: &mut Tokens, places: &[(usize, usize)]) -> bool {
    let is_not =
        |token: &Token| matches!(token, Token::Word(lower, _) if NOT.contains(&lower.as_str()));
    for (at, _) in places {
        if *at > 0 && is_not(&tokens.0[at - 1]) {
            tokens.take(at - 1, 1);
            return true;
        }
        if matches!(&tokens.0[*at], Token::Word(lower, _) if lower == "without") {
            return true;
        }
    }
    false
}

/// `mentions Croatia`, `containing connection refused`: what must stand in the text.
fn mentions(tokens: &mut Tokens, pieces: &mut Pieces) {
    let verb = "mention|mentions|mentioning|mentioned|containing|saying|says";
    let Some((at, count, _)) = tokens.find(verb) else {
        return;
    };
    let mut end = at + count;
    let mut words = Vec::new();
    while let Some(Token::Word(lower, written)) = tokens.0.get(end) {
        let stop = super::is_empty(lower)
            || matches!(
                lower.as_str(),
                "since" | "after" | "before" | "errors" | "error"
            );
        if stop {
            break;
        }
        words.push(written.clone());
        end += 1;
    }
    if words.is_empty() {
        return;
    }
    tokens.take(at, end - at);
    pieces.add(&format!("content:{}", quoted(&words.join(" "))), false);
    pieces.fired += 1;
    pieces.strong += 1;
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The meaning with what was taken filled in.
fn meaning(template: &str, taken: &[Token], now: &Now) -> String {
    let value = |at: usize| match taken.get(at) {
        Some(Token::Known(_, text)) => text.as_str(),
        _ => "",
    };
    let mut text = template
        .replace("$since1", &since(value(0)))
        .replace("$within1", &within(value(0), now));
    if text.contains("$before1") {
        let before = value(0)
            .parse::<u32>()
            .unwrap_or(1)
            .saturating_sub(1)
            .max(1);
        text = text.replace("$before1", &before.to_string());
    }
    let plain: Vec<Token> = taken
        .iter()
        .map(|token| match token {
            // Names may hold anything.
            Token::Known(slot @ (Slot::Agent | Slot::Ws | Slot::Person | Slot::Path), text) => {
                Token::Known(*slot, quoted(text))
            }
            other => other.clone(),
        })
        .collect();
    fill_in(&text, &plain)
}

/// A comparison that begins at that point.
fn since(point: &str) -> String {
    match Moment::read(point) {
        Some(Moment::Away(_)) => point.to_owned(),
        Some(_) => format!(">={point}"),
        None => format!(">{point}"),
    }
}

/// Both ends of that time, as terms.
fn within(point: &str, now: &Now) -> String {
    let Some(moment) = Moment::read(point) else {
        return String::new();
    };
    match moment {
        Moment::Today | Moment::ThisWeek | Moment::ThisMonth | Moment::Away(_) => {
            format!("after:{point}")
        }
        Moment::Yesterday => "after:yesterday before:today".to_owned(),
        Moment::LastWeek => "after:last-week before:this-week".to_owned(),
        Moment::LastMonth => "after:last-month before:this-month".to_owned(),
        _ => {
            let span = moment.span(now);
            let end = span.end.to_zoned(now.zone.clone()).date();
            format!("after:{point} before:{end}")
        }
    }
}

#[cfg(test)]
pub(super) fn templates() -> impl Iterator<Item = (&'static [&'static str], &'static str)> {
    RULES.iter().map(|rule| (rule.parts, rule.means))
}
