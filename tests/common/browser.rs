//! As much of a browser as a sign-in page needs: cookies, redirects, forms.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use reqwest::{Client, Method, Url, header, redirect::Policy};
use std::collections::HashMap;

/// A page it came to.
pub struct Page {
    pub url: Url,
    pub text: String,
}

/// With its cookies.
pub struct Browser {
    client: Client,
    cookies: HashMap<String, String>,
}

impl Default for Browser {
    fn default() -> Browser {
        Browser {
            client: Client::builder().redirect(Policy::none()).no_proxy().build().unwrap(),
            cookies: HashMap::new(),
        }
    }
}

impl Browser {
    pub async fn get(&mut self, url: &str) -> Page {
        self.go(Method::GET, url.parse().unwrap(), String::new()).await
    }

    /// Sends the page's form with what is hidden in it and these.
    pub async fn submit(&mut self, page: &Page, more: &[(&str, &str)]) -> Page {
        let action = attribute(&page.text, "action").expect("the page has a form");
        let hidden = page.text.split("<input").skip(1).filter_map(|input| {
            let tag = input.split('>').next()?;
            Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
        });
        let mut url = Url::parse("http://form").unwrap();
        url.query_pairs_mut().extend_pairs(hidden).extend_pairs(more);
        let body = url.query().unwrap().to_owned();
        self.go(Method::POST, page.url.join(&action).unwrap(), body).await
    }

    async fn go(&mut self, mut method: Method, mut url: Url, mut body: String) -> Page {
        for _ in 0..20 {
            let cookies: Vec<_> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let mut request =
                self.client.request(method.clone(), url.clone()).header(header::COOKIE, cookies.join("; "));
            if method == Method::POST {
                let form = "application/x-www-form-urlencoded";
                request = request.header(header::CONTENT_TYPE, form).body(body.clone());
            }
            let answer = request.send().await.unwrap();
            for cookie in answer.headers().get_all(header::SET_COOKIE) {
                let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
                if value.is_empty() {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            let Some(target) = answer.headers().get(header::LOCATION) else {
                return Page { url, text: answer.text().await.unwrap() };
            };
            url = url.join(target.to_str().unwrap()).unwrap();
            (method, body) = (Method::GET, String::new());
        }
        panic!("redirected without end, at {url}");
    }
}

fn attribute(text: &str, name: &str) -> Option<String> {
    let rest = text.split(&format!("{name}=\"")).nth(1)?;
    Some(rest.split('"').next()?.replace("&amp;", "&"))
}
