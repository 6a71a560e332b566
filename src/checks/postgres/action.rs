//! What the kind `postgres` can do: one query in a transaction that reads only, its rows capped.

use super::session;
use crate::{
    checks::{Input, call::Stop, stream::failed},
    model::Cause,
    providers::action::Values,
};
use futures_util::StreamExt;
use serde_json::{Map, Value};
use std::pin::pin;
use tokio_postgres::{
    Client, SimpleQueryMessage as Message, SimpleQueryRow, Statement,
    error::SqlState,
    types::{Kind, Type},
};

/// Rows shown where the definition says nothing.
const USUAL_ROWS: usize = 100;
/// Most rows of one answer.
const MOST_ROWS: usize = 1000;

/// What a query gave.
#[derive(Debug)]
pub struct Rows {
    /// One object for each row.
    pub rows: Vec<Value>,
    /// The columns' names in their order.
    pub names: Vec<String>,
    /// Told when there were more.
    pub note: Option<String>,
}

/// Runs the query, without a limit on time of our own; the server is given the input's.
pub async fn call(input: &Input<'_>, values: &Values) -> Result<Rows, Stop> {
    let sql = values.text("sql").unwrap_or_default();
    let rows = values.json("rows").and_then(Value::as_u64).map_or(USUAL_ROWS, |n| n.min(MOST_ROWS as u64) as usize);
    let session = session(input).await?;
    match run(&session.client, sql, rows, input.timeout.as_millis()).await {
        Ok(rows) => Ok(rows),
        Err(_) if session.too_much.happened() => {
            Err(Stop::Refused("the answer is larger than 256 KiB: ask for fewer rows or fewer columns".to_owned()))
        }
        Err(stop) => Err(stop),
    }
}

async fn run(client: &Client, sql: &str, most: usize, millis: u128) -> Result<Rows, Stop> {
    // The session reads only, not just the transaction; and the read that follows takes the snapshot after which a
    // transaction cannot be made to write any more.
    client.batch_execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY").await.map_err(stop)?;
    client.batch_execute("BEGIN READ ONLY").await.map_err(stop)?;
    let begin =
        format!("SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {0}; SELECT 1", millis.clamp(1, 3_600_000));
    client.batch_execute(&begin).await.map_err(stop)?;
    // Preparing refuses several statements in one text, and tells whether it is one that gives rows: neither COMMIT nor
    // COPY nor DO does, and none of them is run.
    let statement = client.prepare(sql).await.map_err(stop)?;
    if !statement.params().is_empty() {
        return Err(Stop::Refused("the query holds a placeholder such as $1: write the value itself".to_owned()));
    }
    if statement.columns().is_empty() {
        return Err(Stop::Refused("only a query that gives rows is run: SELECT, VALUES, SHOW, EXPLAIN".to_owned()));
    }
    let names = names(&statement);
    let mut answer = pin!(client.simple_query_raw(sql).await.map_err(stop)?);
    let mut rows = Vec::new();
    while let Some(message) = answer.next().await {
        if let Message::Row(row) = message.map_err(stop)? {
            if rows.len() == most {
                return Ok(Rows { rows, names, note: Some(format!("there are more rows: cut off after {most}")) });
            }
            rows.push(object(&names, &statement, &row));
        }
    }
    Ok(Rows { rows, names, note: None })
}

/// The columns' names, those that stand twice told apart.
fn names(statement: &Statement) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for column in statement.columns() {
        let (mut name, mut number) = (column.name().to_owned(), 2);
        while names.contains(&name) {
            name = format!("{}_{number}", column.name());
            number += 1;
        }
        names.push(name);
    }
    names
}

fn object(names: &[String], statement: &Statement, row: &SimpleQueryRow) -> Value {
    let cells = names.iter().zip(statement.columns()).enumerate();
    let cells = cells.map(|(at, (name, column))| (name.clone(), cell(column.type_(), row.try_get(at).ok().flatten())));
    Value::Object(cells.collect::<Map<_, _>>())
}

/// A value as JSON: numbers that JSON holds exactly, truth values, JSON; anything else is the server's own text.
fn cell(kind: &Type, text: Option<&str>) -> Value {
    let Some(text) = text else { return Value::Null };
    let kind = if let Kind::Domain(inner) = kind.kind() { inner } else { kind };
    let read = match *kind {
        Type::BOOL => Some(Value::Bool(text == "t")),
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => text.parse::<i64>().ok().map(Value::from),
        Type::FLOAT4 | Type::FLOAT8 => {
            text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number)
        }
        Type::JSON | Type::JSONB => serde_json::from_str(text).ok(),
        _ => None,
    };
    read.unwrap_or_else(|| text.into())
}

/// The server's word about this very query is its refusal; anything else is judged as in a check.
fn stop(error: tokio_postgres::Error) -> Stop {
    let Some(db) = error.as_db_error() else { return Stop::Failed(super::transport("the query", &error)) };
    let code = db.code();
    if *code == SqlState::QUERY_CANCELED {
        return Stop::Failed(failed(Cause::Timeout, "the query took too long", db.message()));
    }
    if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        return Stop::not_permitted("the query", db.message());
    }
    if matches!(code.code().get(..2), Some("53" | "57" | "58" | "XX")) {
        return Stop::Failed(failed(Cause::ServerError, "the query", db.message()));
    }
    let hint = db.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    Stop::Refused(format!("{}{hint} [SQLSTATE {}]", db.message(), code.code()))
}
