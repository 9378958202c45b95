use super::*;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::sync::Semaphore;

/// Doubles numbers, each statement when it is let through. Odd ones are answered alone only, and 13 is the database's end.
#[derive(Debug)]
struct Doubling {
    gate: Semaphore,
    alone: AtomicUsize,
    together: Mutex<Vec<usize>>,
}

impl Doubling {
    async fn pass(&self) {
        self.gate.acquire().await.unwrap().forget();
    }
}

impl Together for Doubling {
    type Question = usize;
    type Answer = usize;

    async fn alone(&self, question: &usize) -> Result<usize, StoreError> {
        self.alone.fetch_add(1, Relaxed);
        self.pass().await;
        Ok(2 * question)
    }

    async fn together(&self, questions: &[usize]) -> Result<Vec<Option<usize>>, StoreError> {
        self.together.lock().unwrap().push(questions.len());
        self.pass().await;
        if questions.contains(&13) {
            return Err(StoreError::new("down"));
        }
        let answers = questions.iter();
        Ok(answers
            .map(|question| question.is_multiple_of(2).then_some(2 * question))
            .collect())
    }
}

fn doubling() -> Gathering<Doubling> {
    let work = Doubling {
        gate: Semaphore::new(0),
        alone: AtomicUsize::new(0),
        together: Mutex::default(),
    };
    Gathering::new(work, 1)
}

impl Gathering<Doubling> {
    fn let_through(&self, statements: usize) {
        self.0.work.gate.add_permits(statements);
    }

    fn statements(&self) -> (usize, Vec<usize>) {
        let work = &self.0.work;
        (
            work.alone.load(Relaxed),
            work.together.lock().unwrap().clone(),
        )
    }

    /// Asks in the background; returns when everybody is on the way or waits.
    async fn ask_all(
        &self,
        questions: impl IntoIterator<Item = usize>,
    ) -> Vec<tokio::task::JoinHandle<Result<usize, StoreError>>> {
        let mut asked = Vec::new();
        for question in questions {
            let gathering = Self(self.0.clone());
            asked.push(tokio::spawn(async move { gathering.ask(question).await }));
            tokio::task::yield_now().await;
        }
        asked
    }
}

async fn answers(
    asked: Vec<tokio::task::JoinHandle<Result<usize, StoreError>>>,
) -> Vec<Result<usize, String>> {
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.unwrap().map_err(|error| error.to_string()));
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_a_statement_is_under_way_goes_with_the_next() {
    let gathering = doubling();
    let asked = gathering.ask_all([2, 4, 6, 8]).await;
    gathering.let_through(2);
    assert_eq!(answers(asked).await, [4, 8, 12, 16].map(Ok));
    assert_eq!(gathering.statements(), (1, vec![3]));
    let asked = gathering.ask_all([10]).await;
    gathering.let_through(1);
    assert_eq!(
        answers(asked).await,
        [Ok(20)],
        "nobody is under way any more"
    );
    assert_eq!(gathering.statements(), (2, vec![3]));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_go_with_others_goes_alone() {
    let gathering = doubling();
    let asked = gathering.ask_all([2, 3, 4, 5]).await;
    gathering.let_through(4);
    assert_eq!(answers(asked).await, [4, 6, 8, 10].map(Ok));
    assert_eq!(gathering.statements(), (3, vec![3]));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_to_everybody_who_went_together() {
    let gathering = doubling();
    let asked = gathering.ask_all([2, 4, 13]).await;
    gathering.let_through(2);
    let down = || Err("down".to_owned());
    assert_eq!(answers(asked).await, [Ok(4), down(), down()]);
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_is_stuck_holds_others_up_for_a_moment_only() {
    let gathering = doubling();
    let asked = gathering.ask_all([2, 4, 6]).await;
    tokio::time::sleep(2 * LONGEST_WAIT).await;
    assert_eq!(
        gathering.statements(),
        (1, vec![2]),
        "sent beside the first"
    );
    gathering.let_through(2);
    assert_eq!(answers(asked).await, [4, 8, 12].map(Ok));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_for_the_answer_strands_nobody_and_is_not_asked_for() {
    let gathering = doubling();
    let mut asked = gathering.ask_all([2, 4, 6, 8]).await;
    // First who waits, then whose statement is under way.
    asked.remove(1).abort();
    asked.remove(0).abort();
    gathering.let_through(1);
    assert_eq!(answers(asked).await, [12, 16].map(Ok));
    assert_eq!(gathering.statements(), (1, vec![2]));
    let mut asked = gathering.ask_all([2, 4]).await;
    asked.remove(1).abort();
    gathering.let_through(1);
    assert_eq!(answers(asked).await, [Ok(4)]);
    assert_eq!(gathering.statements(), (2, vec![2]));
    let asked = gathering.ask_all([6]).await;
    gathering.let_through(1);
    assert_eq!(answers(asked).await, [Ok(12)], "the permits are free again");
    assert_eq!(gathering.statements(), (3, vec![2]));
}

#[tokio::test(start_paused = true)]
async fn a_statement_is_given_up_when_the_last_who_wanted_it_has_gone() {
    let gathering = doubling();
    let mut asked = gathering.ask_all([2, 4, 6]).await;
    gathering.let_through(1);
    assert_eq!(asked.remove(0).await.unwrap().unwrap(), 4);
    asked.remove(0).abort();
    gathering.ask_all([8]).await.remove(0).abort();
    assert_eq!(gathering.statements(), (1, vec![2]), "one still wants it");
    asked.remove(0).abort();
    tokio::task::yield_now().await;
    let asked = gathering.ask_all([10]).await;
    assert_eq!(gathering.statements(), (2, vec![2]), "the permit is free");
    gathering.let_through(1);
    assert_eq!(answers(asked).await, [Ok(20)]);
}

#[tokio::test(start_paused = true)]
async fn no_statement_is_larger_than_the_largest() {
    let gathering = doubling();
    let asked = gathering.ask_all((0..=2 * LARGEST).map(|n| 2 * n)).await;
    gathering.let_through(3);
    let right: Vec<_> = (0..=2 * LARGEST).map(|n| Ok(4 * n)).collect();
    assert_eq!(answers(asked).await, right);
    assert_eq!(gathering.statements(), (1, vec![LARGEST, LARGEST]));
}
