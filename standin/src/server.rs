//! Starts and stops the stand-in, and lets tests look into it.

use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use clap::Args;
use kaggle_kit::fs;
use rayon::prelude::*;
use tokio::runtime::Runtime;

use crate::account::{Account, Rules};
use crate::answer::Refusal;
use crate::connection::{Connections, Cutter, IDLE};
use crate::faults::Faults;
use crate::miniature::Miniature;
use crate::pack::{ImageFiles, Packed};
use crate::spool::Spool;
use crate::state::{Changing, DataSet, Kernel, Request, Served, State, Submission};
use crate::{api, record, secrets, storage, upload};

/// How a stand-in behaves
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where to listen; 0 takes a free port
    #[arg(long, default_value_t = 7777)]
    pub port: u16,
    /// Whether images are among the files; planet's are withdrawn since 2019
    #[arg(long, default_value = "served")]
    pub images: ImageFiles,
    /// Whether the account has accepted the rules
    #[arg(long, default_value = "accepted")]
    pub rules: Rules,
    /// Make every bundle larger by a file of noise, kept on disk
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub filler: u64,
    /// Let so many bytes a second pass in one request, as over a slow line
    #[arg(long, value_name = "BYTES")]
    pub rate: Option<u64>,
    /// How many submissions a day are taken
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub daily_submissions: u32,
    /// Say that competitions take notebooks and no files
    #[arg(long)]
    pub notebooks_only: bool,
    /// Let something go wrong (repeatable); `--help` lists what
    #[arg(long = "fault", value_name = "NAME[=ARG][*N]")]
    pub faults: Vec<Faults>,
    /// Append a line of JSON for every request
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// How long a client may say nothing before its connection is closed
    #[arg(skip = IDLE)]
    pub idle: Duration,
}

impl Default for Options {
    /// A free port, and nothing goes wrong.
    fn default() -> Self {
        Self {
            port: 0,
            images: ImageFiles::Served,
            rules: Rules::Accepted,
            filler: 0,
            rate: None,
            daily_submissions: 5,
            notebooks_only: false,
            faults: Vec::new(),
            log: None,
            idle: IDLE,
        }
    }
}

/// A running stand-in; dropped, it stops.
pub struct Server {
    port: u16,
    state: Arc<State>,
    // None only while dropping.
    runtime: Option<Runtime>,
}

/// Packs the competitions and starts to serve them.
pub fn start(miniatures: Vec<Miniature>, options: Options) -> Result<Server> {
    let (listeners, port) = listen(options.port)?;
    let (images, filler, idle) = (options.images, options.filler, options.idle);
    let serve = |miniature: Miniature| {
        let packed = Packed::new(&miniature, images, filler)?;
        Ok(Served { miniature, packed })
    };
    let changing = Changing::new(options.faults.into_iter().collect());
    let state = Arc::new(State {
        competitions: miniatures.into_par_iter().map(serve).collect::<Result<_>>()?,
        account: Account::default(),
        rules: options.rules,
        daily_submissions: options.daily_submissions,
        notebooks_only: options.notebooks_only,
        storage: format!("http://127.0.0.1:{port}"),
        rate: options.rate,
        log: options.log.as_deref().map(open_log).transpose()?,
        spool: Spool::new()?,
        changing: Mutex::new(changing),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("failed to start the stand-in's threads")?;
    let service = router(&state).into_make_service_with_connect_info::<Cutter>();
    for listener in listeners {
        let entered = runtime.enter();
        let listener =
            tokio::net::TcpListener::from_std(listener).context("failed to start the stand-in")?;
        drop(entered);
        let server = axum::serve(Connections { listener, idle }, service.clone());
        runtime.spawn(async move { server.await });
    }
    Ok(Server { port, state, runtime: Some(runtime) })
}

impl Server {
    /// The address to give as `--endpoint`.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The account that may ask.
    pub fn account(&self) -> &Account {
        &self.state.account
    }

    /// The competitions with their hidden answers.
    pub fn miniatures(&self) -> impl Iterator<Item = &Miniature> {
        self.state.competitions.iter().map(|served| &served.miniature)
    }

    /// What was submitted so far, the oldest first.
    pub fn submissions(&self) -> Vec<Submission> {
        self.state.changing().submissions.clone()
    }

    /// The data sets that were uploaded.
    pub fn data_sets(&self) -> Vec<DataSet> {
        self.state.changing().data_sets.clone()
    }

    /// The notebooks that were pushed.
    pub fn kernels(&self) -> Vec<Kernel> {
        self.state.changing().kernels.clone()
    }

    /// What was asked of late, the oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.state.changing().requests()
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state.changing().faults = faults;
    }

    /// Serves until the process is ended.
    pub fn wait(&self) -> ! {
        loop {
            std::thread::park();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Loopback only, by both families: some machines look for `localhost` at `::1` first.
fn listen(port: u16) -> Result<(Vec<TcpListener>, u16)> {
    const TRIES: usize = 20;
    for _ in 0..TRIES {
        let first = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let chosen = first.local_addr().context("failed to start the stand-in")?.port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, chosen)) {
            Ok(second) => {
                second.set_nonblocking(true).context("failed to start the stand-in")?;
                return Ok((vec![first, second], chosen));
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse && port != 0 => {
                return Err(in_use(chosen));
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            // A machine without IPv6.
            Err(_) => return Ok((vec![first], chosen)),
        }
    }
    bail!("found no free port for the stand-in\nhint: name one")
}

fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| {
        if error.kind() == ErrorKind::AddrInUse {
            return in_use(address.port());
        }
        anyhow::Error::new(error).context(format!("failed to listen at `{address}`"))
    })?;
    listener.set_nonblocking(true).context("failed to start the stand-in")?;
    Ok(listener)
}

fn in_use(port: u16) -> anyhow::Error {
    anyhow::anyhow!(
        "failed to start the stand-in: port `{port}` is in use\nhint: end the program that uses \
         it, or take another port: `--port 0` finds a free one"
    )
}

fn open_log(path: &Path) -> Result<std::fs::File> {
    let mut first = Vec::new();
    if fs::is_own(path)? {
        fs::open(path)?.take(1).read_to_end(&mut first)?;
    }
    if first.first().is_some_and(|&byte| byte != b'{') {
        bail!(
            "`{}` is there already and is no log of requests: nothing is added to it\nhint: name \
             another file",
            path.display()
        );
    }
    let file = fs::open_own(path, fs::File::options().append(true).create(true))?;
    Ok(file.into_parts().0)
}

fn router(state: &Arc<State>) -> Router {
    Router::new()
        .route("/api/v1/{service}/{method}", post(api::call))
        .route("/requests/GetUserSecretByLabelRequest", post(secrets::by_label))
        .route("/storage/{slug}/{*path}", get(storage::get))
        .route("/upload/o", put(upload::put))
        .fallback(async || Refusal::not_found())
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
        })
        .layer(from_fn_with_state(state.clone(), record::keep))
        .with_state(state.clone())
}
