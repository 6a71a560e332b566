//! What the kind `redis` can do: read a value and set one, with its time to live.

use super::{refused, sign_in};
use crate::{
    checks::{Input, call::Stop, stream::dial, stream::target},
    providers::action::{CodedAction, Values},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use redis::{RedisError, Value as Reply, aio::MultiplexedConnection, cmd};
use serde_json::{Value, json};

/// Does it, without a limit on time.
pub async fn call(input: &Input<'_>, action: CodedAction, values: &Values) -> Result<Value, Stop> {
    let (host, port) = target(input, "6379")?;
    let dialed = dial(input, host, port).await?;
    let too_much = dialed.stream.too_much();
    let work = async {
        let mut session = sign_in(input, host, dialed).await?;
        let key = values.text("key").unwrap_or_default();
        match action {
            CodedAction::RedisSet => set(&mut session.connection, key, values).await,
            _ => get(&mut session.connection, key).await,
        }
    };
    work.await.map_err(|stop| match stop {
        Stop::Failed(failure) if too_much.happened() => {
            drop(failure);
            Stop::Refused("the value is larger than 256 KiB: too large to be shown".to_owned())
        }
        other => other,
    })
}

async fn get(connection: &mut MultiplexedConnection, key: &str) -> Result<Value, Stop> {
    let mut both = redis::pipe();
    let both = both.cmd("GET").arg(key).cmd("PTTL").arg(key);
    let (reply, left): (Reply, i64) = both.query_async(connection).await.map_err(|e| stop("GET", &e))?;
    let mut told = json!({ "key": key, "value": null, "ttl": (left >= 0).then_some(left as f64 / 1000.0) });
    match reply {
        Reply::BulkString(bytes) => match String::from_utf8(bytes) {
            Ok(text) => told["value"] = text.into(),
            Err(bytes) => {
                told["value"] = BASE64_STANDARD.encode(bytes.as_bytes()).into();
                told["encoding"] = "base64".into();
            }
        },
        Reply::Nil => told["missing"] = true.into(),
        _ => return Err(Stop::Refused("GET was answered with something that is no text".to_owned())),
    }
    Ok(told)
}

async fn set(connection: &mut MultiplexedConnection, key: &str, values: &Values) -> Result<Value, Stop> {
    let mut set = cmd("SET");
    set.arg(key).arg(values.text("value").unwrap_or_default());
    let ttl = values.json("ttl").and_then(Value::as_i64);
    if let Some(seconds) = ttl {
        if seconds < 1 {
            return Err(Stop::Refused(format!("a time to live of {seconds} seconds would remove the key at once")));
        }
        set.arg("EX").arg(seconds);
    }
    set.query_async::<()>(connection).await.map_err(|e| stop("SET", &e))?;
    Ok(json!({ "key": key, "ttl": ttl }))
}

/// An error of the server about this very command is its refusal; anything else is judged as in a check.
fn stop(step: &str, error: &RedisError) -> Stop {
    let Some(code) =
        error.code().filter(|c| !matches!(*c, "NOAUTH" | "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "BUSY"))
    else {
        return Stop::Failed(refused(step, error));
    };
    let seen = format!("{code} {}", error.detail().unwrap_or_default());
    if code == "NOPERM" { Stop::not_permitted(step, &seen) } else { Stop::Refused(seen.trim().to_owned()) }
}
