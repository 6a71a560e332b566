//! An XML answer in the shape of JSON, so that one kind of expression reads both: an element is a table of its
//! children, or its text when it has none; children of one name become a list. Attributes and name spaces are dropped.

use quick_xml::{Reader, escape::resolve_predefined_entity, events::Event};
use serde_json::{Map, Value};

/// Deepest nesting that is read.
const DEEPEST: usize = 32;
/// Most elements that are read.
const MOST: usize = 50_000;

/// An element that is not closed yet.
#[derive(Default)]
struct Open {
    name: String,
    children: Map<String, Value>,
    text: String,
}

/// The document. `None`: it is not whole, not XML, too deep or too large, declares a type (entities of its own could
/// grow without bound), or says by neither its type nor its beginning that it is XML.
pub fn read(body: &[u8], content_type: Option<&str>) -> Option<Value> {
    let declared = content_type.is_some_and(|t| t.to_ascii_lowercase().contains("xml"));
    let text = std::str::from_utf8(body).ok()?.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with(if declared { "<" } else { "<?xml" }) {
        return None;
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    // What stands around everything: the document itself.
    let mut open = vec![Open::default()];
    let mut elements = 0;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                let whole = open.len() == 1 && !open[0].children.is_empty();
                if whole || open.len() > DEEPEST || elements > MOST {
                    return None;
                }
                let name = std::str::from_utf8(start.local_name().into_inner().as_ref()).ok()?.to_owned();
                open.push(Open { name, ..Open::default() });
            }
            Event::End(_) => {
                let Open { name, children, text } = open.pop()?;
                let value = if children.is_empty() { text.trim().into() } else { Value::Object(children) };
                add(&mut open.last_mut()?.children, name, value);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
            Event::CData(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let text = &mut open.last_mut()?.text;
                match entity.resolve_char_ref().ok()? {
                    Some(character) => text.push(character),
                    None => text.push_str(resolve_predefined_entity(&entity.xml10_content())?),
                }
            }
            Event::DocType(_) => return None,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Empty(_) => return None,
            Event::Eof => break,
        }
    }
    let document = open.pop().filter(|d| open.is_empty() && !d.children.is_empty() && d.text.trim().is_empty())?;
    Some(Value::Object(document.children))
}

fn add(children: &mut Map<String, Value>, name: String, value: Value) {
    match children.get_mut(&name) {
        // No element is a list by itself: this one stands for several of the name.
        Some(Value::Array(several)) => several.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
        None => {
            children.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    fn xml(text: &str) -> Option<Value> {
        read(text.as_bytes(), Some("text/xml; charset=utf-8"))
    }

    #[test]
    fn elements_become_tables_texts_and_lists() {
        let text = "\u{feff}<?xml version=\"1.0\"?>\n<!-- c --><a:R xmlns:a=\"x\"><B kind='1'>one &amp; &#x32;</B>\
                    <L><I>1</I></L><L/><B><![CDATA[<two>]]></B> <E></E></a:R>\n";
        let wanted = json!({ "R": { "B": ["one & 2", "<two>"], "L": [{ "I": "1" }, ""], "E": "" } });
        assert_eq!(xml(text), Some(wanted.clone()));
        assert_eq!(read(text.as_bytes(), None), Some(wanted), "its beginning says that it is XML");
    }

    #[rstest]
    #[case::entities_of_its_own("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY e \"eee\">]><a>&e;</a>")]
    #[case::unknown_entity("<a>&nbsp;</a>")]
    #[case::a_file("<?xml version=\"1.0\"?><!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>")]
    #[case::cut_off("<a><b>1</b>")]
    #[case::crossed("<a><b></a></b>")]
    #[case::two("<a/><b/>")]
    #[case::text_beside("<a/>text")]
    #[case::nothing("")]
    #[case::a_lone_declaration("<?xml version=\"1.0\"?>")]
    #[case::json("{}")]
    fn what_is_not_one_plain_document_is_nothing(#[case] text: &str) {
        assert_eq!(xml(text), None);
    }

    #[test]
    fn only_what_says_that_it_is_xml_is_read() {
        assert_eq!(read(b"<p>hello</p>", Some("text/html")), None);
        assert_eq!(read(b"<p>hello</p>", None), None);
        assert_eq!(read(b"<p>hello</p>", Some("application/xhtml+xml")), Some(json!({ "p": "hello" })));
        assert_eq!(read(b"<a>\xff</a>", Some("text/xml")), None);
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(xml(&nested(DEEPEST)).is_some());
        assert_eq!(xml(&nested(DEEPEST + 1)), None);
        assert_eq!(xml(&nested(200_000)), None);
        let wide = |number: usize| format!("<r>{}</r>", "<a/>".repeat(number));
        assert!(xml(&wide(MOST - 1)).is_some());
        assert_eq!(xml(&wide(MOST)), None);
    }

    proptest! {
        #[test]
        fn any_bytes_end_well(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[<>/a&;#x1!\\[\\]?-]{0,80}") {
            let _ = read(&bytes, Some("text/xml"));
            let _ = xml(&text);
        }
    }
}
