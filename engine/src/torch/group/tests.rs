//! Ranks as threads of this process, over the loopback.

use std::net::TcpListener;
use std::thread;

use kaggle_kit::learn::Group as _;

use super::*;

/// So many ranks, each with its own group, at a port that was free.
pub(in crate::torch) fn together<T: Send>(
    world: usize,
    work: impl Fn(Group) -> T + Sync,
) -> Vec<T> {
    let kept = KeptStore::open().unwrap();
    let place = |rank| Place {
        rank,
        world,
        local_rank: rank,
        local_world: world,
        address: "127.0.0.1".to_owned(),
        port: kept.port,
        serves: false,
        launcher: "a test",
    };
    let join = |rank| Group::join(place(rank), Device::Cpu, Duration::from_secs(60)).unwrap();
    thread::scope(|scope| {
        let (join, work) = (&join, &work);
        let ranks: Vec<_> = (0..world).map(|rank| scope.spawn(move || work(join(rank)))).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

#[test]
fn ranks_add_up_gather_and_follow_the_first() {
    let kind = (Kind::Float, Device::Cpu);
    for (gathered, sums, bytes, numbers) in together(3, |group| {
        let rank = group.rank();
        let lengths = group.place().share().lengths(7);
        let rows = Tensor::full([lengths[rank] as i64, 2], rank as f64, kind);
        let gathered = group.gather(&rows, &lengths).unwrap();
        let gathered = Vec::<f32>::try_from(gathered.view([-1])).unwrap();
        // Of several sizes, so that there are several buckets, and one larger than a bucket.
        let mut tensors = [3, 500, 20, 20, 1].map(|n| Tensor::full([n], 1.0 + rank as f64, kind));
        group.sum_in_buckets(&mut tensors, 160).unwrap();
        let sums: Vec<f64> =
            tensors.iter().map(|t| t.sum(Kind::Double).double_value(&[])).collect();
        let mut bytes = format!("rank {rank} says").into_bytes();
        group.follow(&mut bytes).unwrap();
        let mut nothing = vec![rank as u8; rank];
        group.follow(&mut nothing).unwrap();
        assert_eq!(nothing, [0; 0], "the first has nothing");
        group.wait_for_first().unwrap();
        (gathered, sums, bytes, group.agreed(rank as f64 + 5.0).unwrap())
    }) {
        assert_eq!(gathered, [[0.0; 4].as_slice(), &[1.0; 4], &[2.0; 6]].concat());
        assert_eq!(sums, [18.0, 3000.0, 120.0, 120.0, 6.0]);
        assert_eq!((bytes.as_slice(), numbers), (b"rank 0 says".as_slice(), 5.0));
    }
}

#[test]
fn a_rank_without_a_row_sends_none() {
    for gathered in together(3, |group| {
        let rows = if group.rank() == 1 { vec![7.0_f32, 8.0] } else { Vec::new() };
        learn::Group::gather(&group, &rows, &[0, 1, 0], 2).unwrap()
    }) {
        assert_eq!(gathered, [7.0, 8.0]);
    }
}

#[test]
fn who_is_left_alone_is_told_who_has_ended_and_why() {
    let errors = together(2, |group| {
        group.sum_numbers(&mut [1.0]).unwrap();
        if group.rank() == 1 {
            group.leave_word(&anyhow!("`7.jpg` is damaged\nhint: fetch it again"));
            return None;
        }
        Some(group.sum_numbers(&mut [1.0]).unwrap_err())
    });
    let error = errors[0].as_ref().unwrap();
    assert!(error.is::<LostRank>());
    let told = error.to_string();
    assert!(told.starts_with("rank 1 has ended: `7.jpg` is damaged\nhint: run"), "{told}");
    // Without a word it is found out who of three it was, as the others tell that they only followed.
    let errors = together(3, |group| {
        group.sum_numbers(&mut [1.0]).unwrap();
        if group.rank() == 2 {
            return None;
        }
        let error = group.sum_numbers(&mut [1.0]).unwrap_err();
        group.leave_word(&error);
        thread::sleep(Duration::from_millis(1500));
        Some(error.to_string())
    });
    for error in errors.into_iter().flatten() {
        assert!(error.contains("ended: without a word") && error.contains("hint: "), "{error}");
    }
}

#[test]
fn ranks_that_differ_are_told_in_which_line() {
    let outcomes = together(2, |group| {
        let own = format!("version 1\nrecipe {}\n", group.rank());
        let same = group.compare("program", "kaggle-kit 1");
        (same.is_ok(), group.compare("recipe", &own).map_err(|error| error.to_string()))
    });
    assert!(outcomes.iter().all(|(same, _)| *same) && outcomes[0].1.is_ok());
    let error = outcomes[1].1.as_ref().unwrap_err();
    assert!(error.contains("`recipe 1` where that has `recipe 0`"), "{error}");
}

#[test]
fn a_rank_that_does_not_come_and_a_port_that_is_taken_are_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = |port, serves| Place {
        rank: 0,
        world: 2,
        local_rank: 0,
        local_world: 2,
        address: "127.0.0.1".to_owned(),
        port,
        serves,
        launcher: "a test",
    };
    let join = |place| Group::join(place, Device::Cpu, Duration::from_secs(1)).unwrap_err();
    let port = taken.local_addr().unwrap().port();
    let error = join(place(port, true)).to_string();
    assert!(error.contains(&format!("port {port} of this machine is taken")), "{error}");
    let error = join(place(0, true)).to_string();
    assert!(error.contains("only 1 of 2 processes came within 1 s\nhint: "), "{error}");
}
