//! The journal, and who may write of an image.

use super::*;
use crate::domain::{
    CloudContent, Interruption, StepName, StepRecord, StepResult, StepState, StepValue,
};
use crate::store::{Error, StepChange};
use Status::*;
use StepName::{CreateTargetImage, DidCreateTargetImage, ShouldCreateTargetImage};
use sqlx::Connection;

fn shown(steps: &[StepRecord]) -> Vec<(StepName, StepState, u32)> {
    steps.iter().map(|step| (step.name, step.state, step.tries)).collect()
}

async fn enter(store: &Store, image: &ImageId, changes: &[StepChange]) {
    store.advance(image, changes, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn steps_and_what_they_left_survive_the_process_and_a_move_of_the_store() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let content = CloudContent {
        files: vec![("/etc/x".into(), vec![0, 255])],
        commands: vec![("c".into(), b"true".to_vec())],
    };
    let results = [
        StepResult { value: StepValue::Answer(true), ..StepResult::default() },
        StepResult { value: StepValue::Content(content), ..StepResult::default() },
        StepResult {
            files: vec![artifact("disk", &scratch.root().join("kept/x/disk.img"))],
            boot: Some("this".into()),
            ..StepResult::default()
        },
    ];
    for (name, result) in StepName::of_build(Kind::Target, false).iter().zip(&results) {
        enter(&scratch, &image, &[StepChange::Begin(*name)]).await;
        enter(&scratch, &image, &[StepChange::Done(*name, result.clone())]).await;
    }
    enter(&scratch, &image, &[StepChange::Begin(DidCreateTargetImage)]).await;

    let Scratch { store, directory } = scratch;
    store.close().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("moved");
    std::fs::rename(directory.path(), &moved).unwrap();
    let store = open(&moved).await;
    let steps = store.steps(&image).await.unwrap();
    let states = [StepState::Done, StepState::Done, StepState::Done, StepState::Begun];
    assert_eq!(steps.iter().map(|step| step.state).collect::<Vec<_>>(), states);
    assert_eq!(steps[0].result, results[0]);
    assert_eq!(steps[1].result, results[1]);
    assert_eq!(steps[2].result.files[0].path, moved.join("kept/x/disk.img"));
    assert_eq!(steps[2].result.boot.as_deref(), Some("this"));
}

#[tokio::test]
async fn a_step_counts_its_tries_and_a_new_attempt_forgets_what_interrupted_it() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let step = CreateTargetImage;
    for by in [Interruption::Crash, Interruption::FactoryGone, Interruption::FactoryGone] {
        enter(&scratch, &image, &[StepChange::Begin(step)]).await;
        enter(&scratch, &image, &[StepChange::Interrupt(step, by)]).await;
    }
    let record = scratch.step_of(&image, step).await.unwrap().unwrap();
    assert_eq!((record.tries, record.crashes, record.interruptions), (3, 1, 2));
    assert_eq!(record.state, StepState::Interrupted);

    let done = StepResult { value: StepValue::Answer(true), ..StepResult::default() };
    for name in [ShouldCreateTargetImage, step] {
        enter(&scratch, &image, &[StepChange::Begin(name)]).await;
        enter(&scratch, &image, &[StepChange::Done(name, done.clone())]).await;
    }
    enter(&scratch, &image, &[StepChange::Again(vec![step])]).await;
    let steps = scratch.steps(&image).await.unwrap();
    let expected = [(ShouldCreateTargetImage, StepState::Done, 1), (step, StepState::Waiting, 4)];
    assert_eq!(shown(&steps), expected);
    assert_eq!((steps[1].crashes, steps[1].interruptions), (0, 0));
    assert_eq!((&steps[0].result, &steps[1].result), (&done, &StepResult::default()));

    enter(&scratch, &image, &[StepChange::Forget]).await;
    let steps = scratch.steps(&image).await.unwrap();
    assert!(steps.iter().all(|step| step.result == StepResult::default()), "{steps:?}");
}

#[tokio::test]
async fn a_refused_event_takes_its_step_with_it() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    let illegal = steps(&[Building, Complete]);
    let begin = [StepChange::Begin(CreateTargetImage)];
    scratch.advance(&image, &begin, illegal).await.unwrap_err();
    assert_eq!(scratch.steps(&image).await.unwrap(), []);
}

#[tokio::test]
async fn who_lost_an_image_to_another_process_can_write_it_no_more() {
    let scratch = Scratch::new().await;
    let late = scratch.again().await;
    late.insert(&image(1)).await.unwrap();
    late.append(&id(1), steps(&[New, Pending, Building])).await.unwrap();
    // Its lock is lost, though it lives.
    let lock = scratch.owners_dir().join(format!("{}.lock", late.inner.owner.id()));
    std::fs::remove_file(lock).unwrap();
    assert_eq!(scratch.abandoned().await.unwrap().len(), 1);

    let before = scratch.image(&id(1)).await.unwrap();
    for events in [vec![log("late")], vec![progress(9.0)], steps(&[Building, Complete])] {
        let refused = late.append(&id(1), events).await.unwrap_err();
        assert!(matches!(refused, Error::Taken(_)), "{refused}");
    }
    let begin = [StepChange::Begin(CreateTargetImage)];
    let refused = late.advance(&id(1), &begin, Vec::new()).await.unwrap_err();
    assert!(matches!(refused, Error::Taken(_)), "{refused}");
    assert_eq!(scratch.image(&id(1)).await.unwrap(), before);

    scratch.append(&id(1), steps(&[Building, Failed])).await.unwrap();
    late.append(&id(1), vec![progress(9.0)]).await.unwrap_err();
    late.append(&id(1), steps(&[Building, Complete])).await.unwrap_err();
    late.append(&id(1), steps(&[Failed, Pending])).await.unwrap();
    assert!(late.owned_here(&id(1)).await.unwrap(), "who tries again owns it");
}

#[tokio::test]
async fn after_another_start_of_the_machine_cursors_are_left_out() {
    let scratch = Scratch::new().await;
    let image = scratch.record(1).await;
    drop(scratch.again().await);
    scratch.append(&image, vec![log("a")]).await.unwrap();
    assert_eq!(scratch.last_cursor().await.unwrap(), 2, "on one start they follow each other");
    let mut database =
        sqlx::SqliteConnection::connect(scratch.root().join("factory.db").to_str().unwrap())
            .await
            .unwrap();
    sqlx::query("UPDATE machine SET boot = 'another'").execute(&mut database).await.unwrap();
    drop(scratch.again().await);
    let events = scratch.append(&image, vec![log("b")]).await.unwrap();
    assert!(1_000_000 < events[0].cursor, "{events:?}");
}

#[tokio::test]
async fn what_is_kept_for_a_step_goes_with_its_image() {
    let scratch = Scratch::new().await;
    for number in [1, 2] {
        let image = scratch.record(number).await;
        let work = scratch.work_dir(&format!("op{number}")).await.unwrap();
        std::fs::write(work.path().join("disk"), "x").unwrap();
        let kept = scratch.keep_work(work, &image, CreateTargetImage).await.unwrap();
        assert_eq!(std::fs::read_to_string(kept.join("disk")).unwrap(), "x");
        let again = scratch.work_dir(&format!("op{number}")).await.unwrap();
        std::fs::write(again.path().join("disk"), "y").unwrap();
        let kept = scratch.keep_work(again, &image, CreateTargetImage).await.unwrap();
        assert_eq!(std::fs::read_to_string(kept.join("disk")).unwrap(), "y");
    }
    scratch.append(&id(1), steps(&[New, Pending, Building, Complete])).await.unwrap();
    scratch.append(&id(2), steps(&[New, Failed])).await.unwrap();
    scratch.clean_work().await.unwrap();
    let kept = scratch.root().join("kept");
    assert!(!kept.join(id(1).as_str()).exists(), "it is complete");
    assert!(kept.join(id(2).as_str()).exists(), "it may be tried again");
    scratch.remove_kept(&id(2)).await.unwrap();
    assert!(!kept.join(id(2).as_str()).exists());
}
