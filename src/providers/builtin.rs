//! The definitions compiled into the program: one line for each file of `providers/`.

/// File stem and text.
pub const FILES: &[(&str, &str)] = &[
    ("anthropic", include_str!("../../providers/anthropic.toml")),
    ("azure_openai", include_str!("../../providers/azure_openai.toml")),
    ("cloudflare", include_str!("../../providers/cloudflare.toml")),
    ("command", include_str!("../../providers/command.toml")),
    ("dns", include_str!("../../providers/dns.toml")),
    ("elasticsearch", include_str!("../../providers/elasticsearch.toml")),
    ("github", include_str!("../../providers/github.toml")),
    ("gitlab", include_str!("../../providers/gitlab.toml")),
    ("google_ai", include_str!("../../providers/google_ai.toml")),
    ("http", include_str!("../../providers/http.toml")),
    ("jira", include_str!("../../providers/jira.toml")),
    ("openai", include_str!("../../providers/openai.toml")),
    ("postgres", include_str!("../../providers/postgres.toml")),
    ("redis", include_str!("../../providers/redis.toml")),
    ("slack", include_str!("../../providers/slack.toml")),
    ("tcp", include_str!("../../providers/tcp.toml")),
    ("tls", include_str!("../../providers/tls.toml")),
];
