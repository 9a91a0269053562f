//! What a round of the reconciler finds and mends.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// Lets the tasks run until `count` reaches `wanted`, in time that passes only when all wait.
async fn reaches(count: &AtomicU32, wanted: u32) {
    while count.load(Ordering::SeqCst) < wanted {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_at_once_on_a_hint_and_on_its_period() {
    let reconciler = Reconciler::new(CancellationToken::new());
    let (hints, hint) = watch::channel(0);
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    reconciler.spawn("count", Duration::from_mins(1), hint, move || {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok::<_, String>(()))
    });
    let start = tokio::time::Instant::now();
    reaches(&count, 1).await;
    hints.send_replace(1);
    reaches(&count, 2).await;
    assert!(start.elapsed() < Duration::from_secs(1));
    reaches(&count, 3).await;
    assert!(start.elapsed() >= Duration::from_mins(1));
    reconciler.cancel.cancel();
    reconciler.finished().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_nobody_hints_runs_on_its_period_only() {
    let reconciler = Reconciler::new(CancellationToken::new());
    let (_, never) = watch::channel(0);
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    reconciler.spawn("count", Duration::from_mins(1), never, move || {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok::<_, String>(()))
    });
    let start = tokio::time::Instant::now();
    reaches(&count, 3).await;
    assert!(start.elapsed() >= Duration::from_mins(2));
    reconciler.cancel.cancel();
    reconciler.finished().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_is_named_and_started_again() {
    let reconciler = Reconciler::new(CancellationToken::new());
    let (_hints, hint) = watch::channel(0);
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    reconciler.spawn("broken", Duration::from_hours(1), hint, move || {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(run >= 2, "run {run}");
            Ok::<_, String>(())
        }
    });
    reaches(&count, 2).await;
    let failing = reconciler.failing();
    assert_eq!(failing[0].0, "broken");
    assert!(failing[0].1.contains("run 1"), "{failing:?}");
    reaches(&count, 3).await;
    tokio::task::yield_now().await;
    assert_eq!(reconciler.failing(), []);
    reconciler.cancel.cancel();
    reconciler.finished().await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_task_is_named_backs_off_and_recovers() {
    let reconciler = Reconciler::new(CancellationToken::new());
    let (_hints, hint) = watch::channel(0);
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    reconciler.spawn("shaky", Duration::from_hours(1), hint, move || {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready(if run < 3 {
            Err(format!("run {run}"))
        } else {
            Ok(())
        })
    });
    reaches(&count, 3).await;
    assert_eq!(reconciler.failing(), [("shaky", "run 2".to_owned())]);
    reaches(&count, 4).await;
    tokio::task::yield_now().await;
    assert_eq!(reconciler.failing(), []);
    reconciler.cancel.cancel();
    reconciler.finished().await;
}
