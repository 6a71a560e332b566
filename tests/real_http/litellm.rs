//! The LiteLLM proxy, without a database.

use crate::{
    RIGHT, WRONG,
    five::{Case, Five, Way},
    probe::given,
    server::Server,
    url,
};
use lampboard::model::Cause;
use std::process::Command;

#[tokio::test]
#[ignore = "needs litellm"]
async fn litellm_holds_the_five_cases() {
    let program = std::env::var("LAMPBOARD_LITELLM").expect("LAMPBOARD_LITELLM names the program 'litellm'");
    let key = format!("sk-{RIGHT}");
    let mut server = Server::start(|folder, port| {
        let settings = format!(
            "model_list:\n  - model_name: fake\n    litellm_params: {{ model: openai/fake, api_key: none, api_base: \"http://127.0.0.1:9/\" }}\ngeneral_settings: {{ master_key: {key} }}\n"
        );
        std::fs::write(folder.join("litellm.yaml"), settings).unwrap();
        let mut command = Command::new(&program);
        command
            .env("DISABLE_ADMIN_UI", "True")
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .env("HOME", folder)
            .current_dir(folder)
            .args(["--host", "127.0.0.1", "--port", port, "--config"])
            .arg(folder.join("litellm.yaml"));
        command
    });
    let client = |port: &str, key: &str| given(&[("base_url", &*url(port))]).secret("api_key", key);
    let five = Five {
        provider: "litellm",
        way: Way::Tcp,
        right: &|port| client(port, &key),
        facts: &["Models", "First model", "Key record"],
        wrong: Case::Yields(client(&server.port, &format!("sk-{WRONG}")), Cause::InvalidCredential, "master key"),
        powerless: Case::NotApplicable("without a database the master key is the only one, and may do all"),
    };
    let good = five.hold(&mut server).await;
    assert!(good.facts.iter().any(|f| f.value == "fake"), "{good:?}");
}
