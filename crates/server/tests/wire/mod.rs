//! A wire between a client and a node that breaks when it is told to.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses a part of it and stops at the first surprise"
)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    /// Where it leads; none: nowhere.
    target: Mutex<Option<SocketAddr>>,
    /// Grows with each cut.
    cuts: watch::Sender<u64>,
    /// Grows each time that the connections of that moment go deaf.
    losses: watch::Sender<u64>,
}

impl Wire {
    pub async fn to(target: SocketAddr) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target: Mutex::new(Some(target)),
            cuts: watch::Sender::new(0),
            losses: watch::Sender::new(0),
        });
        let here = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (mut cuts, losses) = (here.cuts.subscribe(), here.losses.subscribe());
                let target = *here.target.lock().unwrap();
                let Some(target) = target else { continue };
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(target).await else {
                        return;
                    };
                    let (near_in, near_out) = near.into_split();
                    let (far_in, far_out) = far.into_split();
                    tokio::select! {
                        () = there(near_in, far_out) => {}
                        () = back(far_in, near_out, losses) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Wire { address, shared }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Ends every connection.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Ends every connection and takes no others until it is opened.
    pub fn shut(&self) {
        *self.shared.target.lock().unwrap() = None;
        self.cut();
    }

    pub fn open(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap() = Some(target);
    }

    /// What the node says is lost from now on, over every connection that is there, until it ends. Those that come later hear all.
    pub fn lose_answers(&self) {
        self.shared.losses.send_modify(|losses| *losses += 1);
    }
}

async fn there(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    drop(tokio::io::copy(&mut from, &mut to).await);
}

async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, losses: watch::Receiver<u64>) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        match from.read(&mut buffer).await {
            Ok(read) if read > 0 => {
                let lost = losses.has_changed().unwrap_or(true);
                if !lost && to.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
            _ => return,
        }
    }
}
