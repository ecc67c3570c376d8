//! Aggregates: load, decide, append with the version check, retry on conflict.

use crate::support::Parts;
use oubliette_core::{Aggregate, Failure, StreamId, Version};
use serde::{Deserialize, Serialize};

#[derive(Default, Debug)]
struct Account {
    balance: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Booked {
    Deposited { amount: i64 },
    Withdrawn { amount: i64 },
}

enum Command {
    Deposit(i64),
    Withdraw(i64),
    Nothing,
}

#[derive(Debug, PartialEq)]
struct Overdrawn;

impl Aggregate for Account {
    type Event = Booked;
    type Command = Command;
    type Refusal = Overdrawn;

    fn apply(&mut self, event: &Booked) {
        match event {
            Booked::Deposited { amount } => self.balance += amount,
            Booked::Withdrawn { amount } => self.balance -= amount,
        }
    }

    fn decide(&self, command: &Command) -> Result<Vec<Booked>, Overdrawn> {
        match command {
            Command::Deposit(amount) => Ok(vec![Booked::Deposited { amount: *amount }]),
            Command::Withdraw(amount) if *amount > self.balance => Err(Overdrawn),
            Command::Withdraw(amount) => Ok(vec![Booked::Withdrawn { amount: *amount }]),
            Command::Nothing => Ok(vec![]),
        }
    }
}

#[tokio::test]
async fn commands_are_decided_on_the_state_of_the_stream() {
    let house = Parts::new().house().await;
    let stream = StreamId::new("account-1").unwrap();
    assert_eq!(house.execute::<Account>(&stream, &Command::Deposit(5)).await.unwrap(), Version(1));
    assert_eq!(house.execute::<Account>(&stream, &Command::Withdraw(3)).await.unwrap(), Version(2));
    let refused = house.execute::<Account>(&stream, &Command::Withdraw(3)).await;
    assert!(matches!(refused, Err(Failure::Refused(Overdrawn))));
    assert_eq!(house.execute::<Account>(&stream, &Command::Nothing).await.unwrap(), Version(2));
    let loaded = house.load::<Account>(&stream).await.unwrap();
    assert_eq!((loaded.state.balance, loaded.version), (2, Version(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_commands_are_retried_and_none_is_lost_or_done_twice() {
    let house = Parts::new().house().await;
    let stream = StreamId::new("account-1").unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (house, stream) = (house.clone(), stream.clone());
            tokio::spawn(
                async move { house.execute::<Account>(&stream, &Command::Deposit(1)).await.unwrap() },
            )
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let loaded = house.load::<Account>(&stream).await.unwrap();
    assert_eq!((loaded.state.balance, loaded.version), (8, Version(8)));
}
