//! Where the others find this machine.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use kaggle_kit::place::Place;

use super::raw::{Store, Told};

/// The address at which the others find this process; nothing where the user names an interface.
///
/// Gloo itself takes what the machine's own name stands for, which Debian writes into `/etc/hosts` as
/// 127.0.1.1. So does the first machine when it looks itself up: there the others know better, and tell.
pub(super) fn own_address(
    store: &Store,
    place: &Place,
    port: u16,
    timeout: Duration,
) -> Told<String> {
    if std::env::var_os("GLOO_SOCKET_IFNAME").is_some() {
        return Ok(String::new());
    }
    let Some((own, first)) = addresses(place, port) else { return Ok(String::new()) };
    if place.local_world == place.world {
        return Ok(own.to_string());
    }
    if place.rank != 0 && !first.is_loopback() {
        store.set("first-address", &first.to_string())?;
    }
    if own.is_loopback() {
        return Ok(store.get("first-address", timeout)?.unwrap_or_default());
    }
    Ok(own.to_string())
}

/// This machine's address on the way to the first one, and the first one's as seen from here; no packet
/// is sent.
fn addresses(place: &Place, port: u16) -> Option<(IpAddr, IpAddr)> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect((place.address.as_str(), port)).ok()?;
    Some((socket.local_addr().ok()?.ip(), socket.peer_addr().ok()?.ip()))
}
