//! What c10d says, in words that say what to do.

use std::time::Duration;

use kaggle_kit::place::Place;

/// What went wrong between ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another process is gone.
    Lost,
    /// Told as it is.
    Other(String),
}

pub(super) fn clear(text: &str, place: &Place, timeout: Duration) -> Trouble {
    let Place { rank, world, address, port, .. } = place;
    let seconds = timeout.as_secs();
    let has = |words: &[&str]| words.iter().any(|words| text.contains(words));
    Trouble::Other(if let Some(came) = text.split("waiting for clients. ").nth(1) {
        let came = came.split('/').next().unwrap_or("some");
        format!(
            "only {came} of {world} processes came within {seconds} s\nhint: start all of them with the same \
             MASTER_ADDR and MASTER_PORT"
        )
    } else if has(&["EADDRINUSE"]) {
        format!(
            "port {port} of this machine is taken\nhint: choose another one in MASTER_PORT, or let `--ranks` or \
             `--gpus` do it"
        )
    } else if has(&["client socket has timed out", "Connection refused"]) {
        format!(
            "rank 0 was not to be found at {address}:{port} within {seconds} s\nhint: start all {world} \
             processes, with the same MASTER_ADDR and MASTER_PORT; a firewall may be in the way"
        )
    } else if has(&["onnection closed by peer", "onnection reset by peer", "Broken pipe"])
        || has(&["failed to recv", "Failed to recv", "Application timeout caused pair closure"])
    {
        return Trouble::Lost;
    } else if has(&["Timed out waiting", "wait timeout"]) {
        format!(
            "the other ranks did not answer rank {rank} within {seconds} s\nhint: one of them hangs or works at \
             something else; `--group-timeout` waits longer"
        )
    } else {
        text.lines().next().unwrap_or_default().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c10d_s_words_are_told_with_what_to_do() {
        let place = Place {
            rank: 1,
            world: 2,
            local_rank: 1,
            local_world: 2,
            address: "node-a".to_owned(),
            port: 29500,
            serves: false,
            launcher: "torchrun",
        };
        // As libtorch 2.13.0 said them.
        for (text, expected) in [
            ("Timed out after 7 seconds waiting for clients. 1/2 clients joined.", "only 1 of 2"),
            ("The server socket .. code: -98, name: EADDRINUSE, message: ..", "port 29500 of"),
            ("The client socket has timed out after 6000ms while ..", "at node-a:29500 within 6 s"),
            ("Timed out waiting 5000ms for recv operation to complete", "did not answer rank 1"),
        ] {
            let Trouble::Other(told) = clear(text, &place, Duration::from_secs(6)) else {
                panic!("{text}")
            };
            assert!(told.contains(expected) && told.contains("\nhint: "), "{told}");
        }
        let gone = "[..] Connection closed by peer [127.0.0.1]:22425. This is typically ..";
        assert_eq!(clear(gone, &place, Duration::ZERO), Trouble::Lost);
        let other = clear("one line\nframe #0", &place, Duration::ZERO);
        assert_eq!(other, Trouble::Other("one line".to_owned()));
    }
}
