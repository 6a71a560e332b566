//! What a call looks like on a terminal and as JSON.

use crate::{
    cli::{Out, view},
    model::{Called, Ending, Integration},
    providers::{
        Definition,
        action::{Action, Call, FREE, Param},
    },
};
use serde_json::{Value, json};
use std::io;

/// How a parameter is written: `title=…`, `[labels=…]…`.
fn written(param: &Param) -> String {
    let mark = if param.kind == crate::providers::action::ParamKind::File { "@FILE" } else { "=…" };
    let more = if param.list { "…" } else { "" };
    match param.required && param.default.is_none() {
        true => format!("{}{mark}{more}", param.name),
        false => format!("[{}{mark}]{more}", param.name),
    }
}

/// The action's name and all it takes.
pub fn usage(action: &Action) -> String {
    let params: Vec<String> = action.params.values().map(written).collect();
    format!("{} {}", action.name, params.join(" ")).trim_end().to_owned()
}

/// What an integration offers.
pub fn list(integration: &Integration, definition: &Definition, out: &mut Out) -> io::Result<()> {
    if out.json {
        let param = |p: &Param| {
            json!({ "name": p.name, "label": p.label, "help": p.help, "kind": p.kind.as_str(), "required": p.required,
                "list": p.list, "default": p.default, "choices": p.choices, "example": p.example })
        };
        let action = |a: &Action| {
            json!({ "name": a.name, "label": a.label, "help": a.help, "dangerous": a.dangerous,
                "params": a.params.values().map(param).collect::<Vec<_>>() })
        };
        return out.value(&json!({
            "integration": integration.id.as_str(), "provider": definition.id,
            "actions": definition.actions.values().map(action).collect::<Vec<_>>(), "request": definition.takes_free(),
        }));
    }
    if definition.actions.is_empty() && !definition.takes_free() {
        return out.line(&format!("{} offers no action.", definition.name));
    }
    for action in definition.actions.values() {
        let danger = if action.dangerous { " (asks first)" } else { "" };
        out.line(&format!("{}{danger}", action.label))?;
        out.line(&format!("  lampboard call {} {}", integration.id, usage(action)))?;
        let params = action.params.values().map(|p| {
            let mut help = if p.help.is_empty() { p.label.clone() } else { p.help.clone() };
            if let Some(default) = &p.default {
                help.push_str(&format!(" (default: {default})"));
            }
            if !p.choices.is_empty() {
                help.push_str(&format!(" (one of: {})", p.choices.join(", ")));
            }
            (format!("    {}", p.name), help)
        });
        out.pairs(&params.collect::<Vec<_>>())?;
    }
    if definition.takes_free() {
        out.line("Anything else under its address")?;
        out.line(&format!("  lampboard call {} {FREE} METHOD PATH [--data JSON | --data-file FILE]", integration.id))?;
    }
    Ok(())
}

/// Fit for one line beside its name.
fn is_short(value: &Value) -> bool {
    match value {
        Value::Object(_) | Value::Array(_) => false,
        Value::String(text) => text.len() <= 200 && !text.contains('\n'),
        _ => true,
    }
}

/// What came of a call. A result that was saved is not printed again.
pub fn called(integration: &Integration, call: &Call, called: &Called, saved: bool, out: &mut Out) -> io::Result<()> {
    if out.json {
        let (cause, until) = match &called.ending {
            Ending::Failed { cause, until, .. } => (Some(cause.as_str()), *until),
            _ => (None, None),
        };
        let or_null = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        return out.value(&json!({
            "integration": integration.id.as_str(), "action": call.name(), "done": called.is_done(),
            "ending": called.ending.as_str(), "cause": cause, "code": called.code, "until": until,
            "latency_ms": view::ms(called.latency), "seen": or_null(called.ending.seen()),
            "next_step": or_null(called.ending.advice()), "note": called.note, "result": called.result,
        }));
    }
    if !called.is_done() {
        let code = called.code.map(|code| format!(" (HTTP {code})")).unwrap_or_default();
        let seen = called.ending.seen();
        let colon = if seen.is_empty() { "" } else { ": " };
        out.complain(&format!("{}{code}{colon}{seen}", called.ending.label()));
        if let Ending::Failed { until: Some(until), .. } = &called.ending {
            out.complain(&format!("until {until}"));
        }
        if !called.ending.advice().is_empty() {
            out.complain(called.ending.advice());
        }
        return Ok(());
    }
    if saved {
        return Ok(());
    }
    match (&called.result, called.table()) {
        (_, Some(table)) if table.rows.is_empty() => out.line("Nothing.")?,
        (_, Some(table)) => {
            let header: Vec<&str> = table.header.iter().map(String::as_str).collect();
            out.table(&header, &table.rows)?;
        }
        (Value::Null, None) => out.line("Done.")?,
        (Value::String(text), None) => out.line(text)?,
        (Value::Object(members), None) if members.values().all(is_short) => {
            let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            out.pairs(&members.iter().map(|(k, v)| (k.clone(), plain(v))).collect::<Vec<_>>())?;
        }
        (other, None) => out.value(other)?,
    }
    if let Some(note) = &called.note {
        out.complain(note);
    }
    Ok(())
}
