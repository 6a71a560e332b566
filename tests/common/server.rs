//! Real servers for tests: started on a free port in a throw-away folder, ended with the test.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A port that was free a moment ago.
pub fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// A running server.
pub struct Server {
    pub child: Child,
    pub port: String,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts a program; `prepare` gets the folder and the port and gives the command. Waits until the port accepts.
    pub fn start(prepare: impl Fn(&Path, &str) -> Command) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = prepare(folder.path(), &port);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the server is installed");
        let mut server = Server { child, port, _folder: folder };
        let started = Instant::now();
        while TcpStream::connect(format!("127.0.0.1:{}", server.port)).is_err() {
            assert!(server.child.try_wait().unwrap().is_none(), "{command:?} ended");
            assert!(started.elapsed() < Duration::from_secs(60), "{command:?} did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Kills it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
