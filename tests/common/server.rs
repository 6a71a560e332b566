//! Real servers for tests: started on a free port in a throw-away folder, ended with the test.

#![allow(dead_code, reason = "each test file uses a part of it")]

use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A port that was free a moment ago.
pub fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// A server's program; Debian puts some where only the superuser looks.
pub fn program(name: &str) -> Command {
    let usual = Path::new("/usr/sbin").join(name);
    if usual.exists() { Command::new(usual) } else { Command::new(name) }
}

/// A running server.
pub struct Server {
    pub child: Child,
    pub port: String,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts a program; `prepare` gets the folder and the port and gives the command. Waits until the port accepts.
    pub fn start(prepare: impl Fn(&Path, &str) -> Command) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = prepare(folder.path(), &port);
        // Some are scripts that start the server: the group is what ends with the test.
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("the server is installed");
        let mut server = Server { child, port, folder };
        let started = Instant::now();
        while TcpStream::connect(format!("127.0.0.1:{}", server.port)).is_err() {
            assert!(server.child.try_wait().unwrap().is_none(), "{command:?} ended");
            assert!(started.elapsed() < Duration::from_secs(60), "{command:?} did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Kills it and all it started.
    pub fn kill(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).filter(|_| !self.ended()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
