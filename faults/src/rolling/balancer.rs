//! A real balancer before the nodes, set up as docs/running-many-nodes.md says.

use crate::client::{Client, Outcome};
use crate::run::Run;
use anyhow::{Context as _, bail};
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tokio::time::sleep;
use xtask::packages;
use xtask::process::{free_port, signal};

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// A program that passes requests on, from Debian.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    program: &'static str,
    package: &'static str,
    /// Its configuration, with `{port}`, `{nodes}` and `{folder}` to be filled in.
    template: &'static str,
    file: &'static str,
    arguments: &'static str,
    /// The line for a node, with `{number}` and `{address}`.
    node: &'static str,
}

pub(super) const KINDS: [Kind; 2] = [
    Kind {
        name: "nginx",
        program: "nginx",
        package: "nginx-light",
        template: include_str!("nginx.conf"),
        file: "nginx.conf",
        arguments: "-e error.log -p . -c",
        node: "server {address} max_fails=1 fail_timeout=1s;",
    },
    Kind {
        name: "HAProxy",
        program: "haproxy",
        package: "haproxy",
        template: include_str!("haproxy.cfg"),
        file: "haproxy.cfg",
        arguments: "-db -f",
        node: "server node{number} {address}",
    },
];

/// The program at work. It ends when this is dropped, or with the thread that started it.
#[derive(Debug)]
pub(super) struct Balancer {
    address: SocketAddr,
    process: Child,
}

impl Balancer {
    /// Installs the program if it is not there, starts it on a port of its own and waits until a node answers.
    pub(super) async fn start(
        run: &Run,
        kind: &Kind,
        nodes: &[SocketAddr],
    ) -> anyhow::Result<Self> {
        packages::program(&run.project, kind.program, kind.package)?;
        let folder = run.folder().join(kind.program);
        fs::create_dir_all(&folder)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        fs::write(folder.join(kind.file), kind.configuration(address, nodes))?;
        let log = run.logs().join(format!("{}.log", kind.program));
        let mut balancer = Self {
            address,
            process: spawn(run, kind, &folder, &log)?,
        };
        balancer.await_node(&log).await?;
        Ok(balancer)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn await_node(&mut self, log: &PathBuf) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = Client::new(self.address).get("/readyz").await;
            if matches!(answer, Outcome::Answered(answer) if answer.status.is_success()) {
                return Ok(());
            }
            if self.process.try_wait()?.is_some() || Instant::now() > deadline {
                let told = fs::read_to_string(log).unwrap_or_default();
                bail!("the balancer does not work: {told}");
            }
            sleep(POLL).await;
        }
    }
}

impl Kind {
    fn configuration(&self, address: SocketAddr, nodes: &[SocketAddr]) -> String {
        let nodes: Vec<String> = (1..)
            .zip(nodes)
            .map(|(number, node)| {
                let line = self.node.replace("{number}", &format!("{number}"));
                line.replace("{address}", &node.to_string())
            })
            .collect();
        self.template
            .replace("{port}", &address.port().to_string())
            .replace("{nodes}", &nodes.join("\n    "))
    }
}

fn spawn(run: &Run, kind: &Kind, folder: &Path, log: &PathBuf) -> anyhow::Result<Child> {
    let log = File::create(log)?;
    let mut command = run.project.command("setpriv", "--pdeathsig TERM --");
    command
        .arg(kind.program)
        .args(kind.arguments.split(' '))
        .arg(kind.file)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    command.spawn().context("setpriv cannot be run")
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // One that has ended by itself was noticed by its clients.
        let _ = signal("TERM", &[self.process.id()]);
        let _ = self.process.wait();
    }
}
