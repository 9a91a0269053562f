//! Votes: how many, in which order, and who may say no.

use super::*;

fn asked(target: &str, people: &[&str]) -> Asked {
    Asked {
        target: target.to_owned(),
        people: people.iter().map(|one| (*one).to_owned()).collect(),
        notes: Vec::new(),
    }
}

fn stage(needed: u32, people: &[&str]) -> ApprovalStage {
    ApprovalStage {
        name: "money".to_owned(),
        needed,
        asked: vec![asked("group:x", people)],
        widens: false,
        by_role: false,
    }
}

fn plan(stages: Vec<ApprovalStage>) -> ApprovalPlan {
    ApprovalPlan {
        stages,
        ..ApprovalPlan::default()
    }
}

type Votes = Vec<(String, Outcome, u32)>;

fn count(
    plan: &ApprovalPlan,
    votes: &Votes,
    id: &str,
    outcome: Outcome,
) -> Result<Counted, NoVote> {
    let tally = Tally::new(
        plan,
        votes
            .iter()
            .map(|(who, what, of)| (who.as_str(), *what, *of)),
    );
    let voter = Voter {
        id,
        belongs: &|_| false,
        asked: &[],
    };
    tally.count(&voter, outcome)
}

/// Casts a vote as the desk does; gives the last word when there is one.
fn cast(
    plan: &ApprovalPlan,
    votes: &mut Votes,
    id: &str,
    outcome: Outcome,
) -> Result<Option<Outcome>, NoVote> {
    let counted = count(plan, votes, id, outcome)?;
    votes.push((id.to_owned(), outcome, counted.stage));
    Ok(counted.decides)
}

#[test]
fn two_of_three_and_nobody_twice() {
    let plan = plan(vec![stage(2, &["a", "b", "c"])]);
    let mut votes = Vec::new();
    assert_eq!(cast(&plan, &mut votes, "a", Outcome::Approved), Ok(None));
    assert_eq!(
        cast(&plan, &mut votes, "a", Outcome::Approved),
        Err(NoVote::Again)
    );
    assert_eq!(
        cast(&plan, &mut votes, "x", Outcome::Approved),
        Err(NoVote::NotAsked)
    );
    let last = cast(&plan, &mut votes, "c", Outcome::Approved);
    assert_eq!(last, Ok(Some(Outcome::Approved)));
}

#[test]
fn stages_come_one_after_the_other_and_need_other_people() {
    let plan = plan(vec![stage(1, &["a", "b"]), stage(1, &["a", "z"])]);
    let mut votes = Vec::new();
    assert_eq!(
        cast(&plan, &mut votes, "z", Outcome::Approved),
        Err(NoVote::NotAsked)
    );
    assert!(
        count(&plan, &votes, "a", Outcome::Approved)
            .unwrap()
            .opens_next
    );
    assert_eq!(cast(&plan, &mut votes, "a", Outcome::Approved), Ok(None));
    assert_eq!(
        cast(&plan, &mut votes, "a", Outcome::Approved),
        Err(NoVote::Again)
    );
    let last = cast(&plan, &mut votes, "z", Outcome::Approved);
    assert_eq!(last, Ok(Some(Outcome::Approved)));
}

#[test]
fn who_ran_it_sends_it_back_but_does_not_approve_it() {
    let mut plan = plan(vec![ApprovalStage {
        needed: 1,
        ..ApprovalStage::default()
    }]);
    plan.barred = vec!["a".to_owned()];
    for outcome in [Outcome::Approved, Outcome::Responded] {
        assert_eq!(
            count(&plan, &Vec::new(), "a", outcome),
            Err(NoVote::OwnWork)
        );
    }
    let back = count(&plan, &Vec::new(), "a", Outcome::ChangesRequested).unwrap();
    assert_eq!(back.decides, Some(Outcome::ChangesRequested));
    assert_eq!(
        count(&plan, &Vec::new(), "b", Outcome::Approved)
            .unwrap()
            .decides,
        Some(Outcome::Approved)
    );
}

#[test]
fn a_veto_ends_it_and_other_rejections_only_when_too_few_are_left() {
    let mut plan = plan(vec![stage(2, &["a", "b", "c"])]);
    plan.veto = vec![asked("person:v", &["v"])];
    let mut votes = Vec::new();
    assert_eq!(cast(&plan, &mut votes, "a", Outcome::Rejected), Ok(None));
    assert_eq!(cast(&plan, &mut votes, "a", Outcome::Rejected), Ok(None));
    assert_eq!(
        count(&plan, &votes, "b", Outcome::Rejected)
            .unwrap()
            .decides,
        Some(Outcome::Rejected)
    );
    assert_eq!(
        count(&plan, &votes, "v", Outcome::Rejected)
            .unwrap()
            .decides,
        Some(Outcome::Rejected)
    );
    // Who may only veto does not approve.
    assert_eq!(
        count(&plan, &votes, "v", Outcome::Approved),
        Err(NoVote::NotAsked)
    );
    // Who rejected may think again.
    assert_eq!(cast(&plan, &mut votes, "a", Outcome::Approved), Ok(None));
    assert_eq!(
        cast(&plan, &mut votes, "b", Outcome::Approved),
        Ok(Some(Outcome::Approved))
    );
}

/// Whatever people do in whatever order: it is approved by enough different people of each stage, none of them
/// barred, or not at all.
#[test]
fn no_schedule_of_votes_approves_with_too_few_people() {
    let mut random = fastrand::Rng::with_seed(7);
    let names = ["a", "b", "c", "d", "e"];
    let outcomes = [
        Outcome::Approved,
        Outcome::Approved,
        Outcome::Approved,
        Outcome::Responded,
        Outcome::Rejected,
        Outcome::ChangesRequested,
    ];
    let (mut approved, mut other) = (0, 0);
    for _ in 0..20_000 {
        let mut stages = Vec::new();
        for _ in 0..random.usize(1..=3) {
            let people: Vec<&str> = names.into_iter().filter(|_| random.bool()).collect();
            stages.push(stage(random.u32(1..=3), &people));
        }
        let mut plan = plan(stages);
        if random.bool() {
            plan.barred = vec!["a".to_owned()];
        }
        if random.bool() {
            plan.veto = vec![asked("person:e", &["e"])];
        }
        let mut votes = Vec::new();
        for _ in 0..random.usize(1..20) {
            let who = names[random.usize(..names.len())];
            let what = outcomes[random.usize(..outcomes.len())];
            let Ok(Some(word)) = cast(&plan, &mut votes, who, what) else {
                continue;
            };
            if !is_for(word) {
                other += 1;
                break;
            }
            approved += 1;
            let mut last: BTreeMap<&str, (Outcome, u32)> = BTreeMap::new();
            for (who, what, of) in &votes {
                last.insert(who, (*what, *of));
            }
            for (stage, at) in plan.stages.iter().zip(0_u32..) {
                let mut voters = 0;
                for (who, (what, of)) in &last {
                    if *of == at && is_for(*what) {
                        assert!(
                            stage.asked[0].people.iter().any(|one| one == who)
                                || stage.asked[0].people.is_empty()
                        );
                        assert!(!plan.barred.iter().any(|one| one == who));
                        voters += 1;
                    }
                }
                assert!(voters >= stage.needed, "{plan:?} {votes:?}");
            }
            break;
        }
    }
    assert!(approved > 500 && other > 500, "{approved} {other}");
}

#[test]
fn who_abstains_counts_neither_way_and_may_still_vote() {
    let plan = plan(vec![stage(2, &["a", "b", "c"])]);
    let mut votes = Vec::new();
    assert_eq!(cast(&plan, &mut votes, "a", Outcome::Abstained), Ok(None));
    // The two who are left are just enough: one more who abstains, and nobody could approve it.
    assert_eq!(
        cast(&plan, &mut votes, "b", Outcome::Abstained),
        Err(NoVote::TooFew)
    );
    assert_eq!(cast(&plan, &mut votes, "b", Outcome::Approved), Ok(None));
    // A yes is not taken back by abstaining, nor does somebody who is not asked abstain.
    for (id, why) in [("b", NoVote::Again), ("x", NoVote::NotAsked)] {
        assert_eq!(cast(&plan, &mut votes, id, Outcome::Abstained), Err(why));
    }
    let last = cast(&plan, &mut votes, "a", Outcome::Approved);
    assert_eq!(last, Ok(Some(Outcome::Approved)));
}

#[test]
fn nobody_abstains_where_one_answer_is_enough_or_from_their_own_work() {
    let alone = plan(vec![stage(1, &["a", "b"])]);
    let told = count(&alone, &Vec::new(), "a", Outcome::Abstained);
    assert_eq!(told, Err(NoVote::NobodyElse));
    let two = ApprovalPlan {
        barred: vec!["a".to_owned()],
        ..plan(vec![stage(2, &["a", "b", "c", "d"])])
    };
    let told = count(&two, &Vec::new(), "a", Outcome::Abstained);
    assert_eq!(told, Err(NoVote::OwnWork));
}

#[test]
fn to_set_aside_takes_what_a_rejection_takes() {
    let two = ApprovalPlan {
        veto: vec![asked("group:v", &["z"])],
        ..plan(vec![stage(2, &["a", "b", "c"])])
    };
    for outcome in [Outcome::Rejected, Outcome::Ignored] {
        let mut votes = Vec::new();
        assert_eq!(
            cast(&two, &mut votes, "a", outcome),
            Ok(None),
            "{outcome:?}"
        );
        assert_eq!(cast(&two, &mut votes, "b", outcome), Ok(Some(outcome)));
        let veto = cast(&two, &mut Vec::new(), "z", outcome);
        assert_eq!(veto, Ok(Some(outcome)));
    }
}
