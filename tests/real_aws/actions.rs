//! The actions of `s3` and `aws`.

use crate::{
    moto::{Key, Moto, key},
    probe::given,
};

/// Calls actions of a definition at moto with a key.
struct Caller {
    checker: lampboard::checks::Checker,
    definition: lampboard::providers::Definition,
    integration: lampboard::model::Integration,
}

impl Caller {
    fn new(provider: &str, moto: &Moto, key: &Key) -> Caller {
        use lampboard::{
            model::{FieldValue, SecretRef},
            providers::Registry,
            secrets::{Resolver, Vault},
        };
        let definition = Registry::built_in().get(provider).unwrap().as_ref().clone();
        let vault = std::sync::Arc::new(Vault::new("/nonexistent/v".as_ref(), "/nonexistent/i".as_ref()));
        let key = key.clone();
        let resolver = Resolver::new(vault).with_env(move |name| match name {
            "ID" => Some(key.0.clone()),
            _ => Some(key.1.clone()),
        });
        let mut integration = given(&[]).integration();
        let url = format!("http://127.0.0.1:{}", moto.server.port);
        integration.fields.insert("base_url".to_owned(), FieldValue::Text(url));
        for (field, name) in [("access_key_id", "ID"), ("secret_access_key", "SECRET")] {
            integration.fields.insert(field.to_owned(), FieldValue::Secret(SecretRef::Env(name.to_owned())));
        }
        let network = lampboard::checks::Network { proxy: "none".to_owned(), ..Default::default() };
        let checker = lampboard::checks::Checker::new(&network, resolver).unwrap();
        Caller { checker, definition, integration }
    }

    async fn call(&self, action: &str, given: &[(&str, &str)]) -> lampboard::model::Called {
        use lampboard::providers::action::{Call, Given};
        let given: Given = given.iter().map(|(k, v)| ((*k).to_owned(), vec![v.as_bytes().to_vec()])).collect();
        let values = self.definition.actions[action].values(&given).unwrap();
        self.checker.call(&self.integration, &self.definition, &Call::Action { name: action.to_owned(), values }).await
    }
}

#[tokio::test]
#[ignore = "needs moto"]
async fn moto_takes_the_actions_of_s3_and_ec2() {
    let moto = Moto::start().await;
    let ada = Caller::new("s3", &moto, &moto.ada);
    let made = ada.call("create_bucket", &[("bucket", "new-one"), ("location", "eu-west-1")]).await;
    assert!(made.is_done(), "{made:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("big.bin").display().to_string();
    std::fs::write(&file, vec![7; 3_000_000]).unwrap();
    let put = ada.call("upload_file", &[("bucket", "new-one"), ("key", "photos/a b.bin"), ("file", &file)]).await;
    assert!(put.is_done() && put.result["etag"].as_str().is_some_and(|e| e.len() > 30), "{put:?}");
    // Without its slash: moto refuses its own client's signatures of an encoded one in a query too.
    let listed = ada.call("list_objects", &[("bucket", "new-one"), ("prefix", "photos")]).await;
    assert!(listed.is_done(), "{listed:?}");
    assert_eq!((&listed.result[0]["Key"], &listed.result[0]["Size"]), (&"photos/a b.bin".into(), &"3000000".into()));
    let buckets = ada.call("list_buckets", &[]).await;
    assert_eq!(
        buckets.table().unwrap().rows.iter().map(|r| &*r[0]).collect::<Vec<_>>(),
        ["backups", "new-one"],
        "{buckets:?}"
    );
    let twice = ada.call("list_objects", &[("bucket", "nowhere")]).await;
    assert!(matches!(
        &twice.ending,
        lampboard::model::Ending::Failed { .. } | lampboard::model::Ending::Refused { .. }
    ));
    let bob = Caller::new("s3", &moto, &moto.bob).call("list_buckets", &[]).await;
    assert_eq!(bob.ending.as_str(), "missing_scope", "{bob:?}");
    let wrong = Caller::new("s3", &moto, &key(&moto.ada.0, &moto.bob.1));
    let wrong = wrong.call("upload_file", &[("bucket", "new-one"), ("key", "x"), ("file", &file)]).await;
    assert_eq!(wrong.ending.as_str(), "invalid_credential", "{wrong:?}");

    let ada = Caller::new("aws", &moto, &moto.ada);
    let launched = ada.call("launch_instance", &[("image", "ami-12c6146b")]).await;
    assert!(launched.is_done(), "{launched:?}");
    let rows = ada.call("list_instances", &[]).await.table().unwrap().rows;
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows.iter().any(|r| r[0].starts_with("i-") && r[1] == "t3.micro"), "{rows:?}");
}
