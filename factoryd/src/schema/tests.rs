use super::*;
use crate::domain::Notice;
use serde_json::json;

fn schema(document: Value) -> Schema {
    Schema::read(&document.to_string()).unwrap().unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("{value} is no object") };
    members
}

const OPEN: Judged<'static> =
    Judged { root: "parameters", is_secret: false, secrets: &[], is_partial: false };

fn told(document: Value, value: Value) -> Vec<String> {
    let line = |it: Notice| format!("{}: {} ({})", it.path, it.message, it.hint);
    schema(document).problems(&value, OPEN).into_iter().map(line).collect()
}

#[test]
fn no_schema_is_empty_text_and_a_broken_one_says_where_it_is_broken() {
    assert_eq!(Schema::read(" \n").unwrap(), None);
    let broken = |text: &str| Schema::read(text).unwrap_err().to_string();
    assert!(broken("{").starts_with("it is not JSON: "), "{}", broken("{"));
    let error = broken(r#"{"properties": {"a": {"type": "integr"}}}"#);
    assert!(error.starts_with("it is no JSON Schema: at /properties/a/type: "), "{error}");
    let error = broken(r#"{"$ref": "http://127.0.0.1:9/schema.json"}"#);
    assert!(error.starts_with("it is no JSON Schema: "), "{error}");
    let error = broken(r#"{"properties": {"a": {"pattern": "("}}}"#);
    assert!(error.contains("pattern"), "{error}");
    assert_eq!(Schema::read(&" x".repeat(LEN_MAX)), Err(Invalid::Long));
}

#[test]
fn a_schema_without_names_takes_any_and_one_with_names_only_those() {
    for open in [json!({}), json!(true), json!({"type": "object"})] {
        assert!(schema(open).knows("x"));
    }
    let closed = schema(json!({"properties": {"a": {}}, "patternProperties": {"^x-": {}}}));
    assert!(closed.knows("a") && closed.knows("x-b") && !closed.knows("b"));
    for key in ["additionalProperties", "unevaluatedProperties"] {
        assert!(schema(json!({"properties": {"a": {}}, key: {"type": "string"}})).knows("b"));
        assert!(!schema(json!({"properties": {"a": {}}, key: false})).knows("b"));
    }
}

#[test]
fn names_are_found_in_all_parts_of_a_schema() {
    let schema = schema(json!({
        "$defs": {"more": {"properties": {"b": {"$ref": "#/$defs/secret"}}},
            "secret": {"type": "string", "x-factory-sensitive": true}},
        "properties": {"a": {}},
        "allOf": [{"$ref": "#/$defs/more"}, {"$ref": "#"}],
        "oneOf": [{"properties": {"c": {}}}, {"properties": {"d": {}}}],
    }));
    assert_eq!(schema.names().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert_eq!(schema.sensitive().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn text_is_read_where_the_schema_takes_what_it_says_and_no_text() {
    let schema = schema(json!({"properties": {
        "count": {"type": "integer", "minimum": 1}, "ratio": {"type": "number"}, "on": {"type": "boolean"},
        "list": {"type": "array", "items": {"type": "string"}}, "map": {"type": ["object", "null"]},
        "text": {"type": "string"}, "both": {"type": ["integer", "string"]}, "any": {},
        "word": {"enum": ["none", true, false, 3]}, "ref": {"$ref": "#/properties/count"},
    }}));
    let view = |name: &str, text: &str| {
        schema.view(&object(json!({ name: text }))).remove(name).unwrap_or(json!("gone"))
    };
    for (name, text, read) in [
        ("count", "4", json!(4)),
        ("count", "0", json!(0)),
        ("count", "four", json!("four")),
        ("count", "", json!("")),
        ("ratio", "1e3", json!(1000.0)),
        ("on", "Yes", json!(true)),
        ("on", "0", json!(false)),
        ("on", "false", json!(false)),
        ("list", r#"["a"]"#, json!(["a"])),
        ("list", "[1]", json!([1])),
        ("map", r#"{"a": 1}"#, json!({"a": 1})),
        ("map", "null", json!(null)),
        ("text", "4", json!("4")),
        ("text", "true", json!("true")),
        ("both", "4", json!("4")),
        ("any", "4", json!("4")),
        ("word", "none", json!("none")),
        ("word", "true", json!(true)),
        ("word", "3", json!(3)),
        ("word", "4", json!("4")),
        ("ref", "5", json!(5)),
        ("unknown", "5", json!("gone")),
    ] {
        assert_eq!(view(name, text), read, "{name}={text}");
    }
}

#[test]
fn every_problem_has_its_place_and_says_what_is_expected() {
    let document = json!({
        "type": "object", "required": ["name"],
        "properties": {
            "name": {"description": "who it is for"},
            "memory": {"type": "integer", "minimum": 64, "maximum": 1024},
            "format": {"enum": ["qcow2", "raw"]},
            "hosts": {"type": "array", "items": {"type": "string"}},
            "label": {"type": "object", "properties": {"colour": {}}, "additionalProperties": false},
            "either": {"anyOf": [{"type": "string"}, {"type": "array"}]},
        },
    });
    let given = json!({"memory": 3, "format": "qcow", "hosts": ["a", 2], "label": {"color": 1}, "either": 5});
    assert_eq!(
        told(document, given),
        [
            "parameters.name: name is missing (who it is for)",
            "parameters.memory: memory must be at least 64, not 3 ()",
            "parameters.format: format must be `qcow2` or `raw`, not `qcow` (did you mean qcow2?)",
            "parameters.hosts[1]: hosts[1] must be text, not 2 ()",
            "parameters.label.color: color is not known (did you mean colour?)",
            "parameters.either: either must be text, or must be a list, not 5 ()",
        ]
    );
}

#[test]
fn what_must_be_there_may_be_missing_in_a_part() {
    let schema = schema(json!({"required": ["a"], "properties": {"a": {"required": ["b"]}}}));
    let partial = Judged { is_partial: true, ..OPEN };
    assert_eq!(schema.problems(&json!({}), partial), []);
    assert_eq!(schema.problems(&json!({"a": {}}), partial).len(), 1);
}

/// All keywords that look at a value, at a secret: none tells it.
#[test]
fn no_message_has_a_secret() {
    let canary = "hunter2-canary";
    let rules = [
        json!({"type": "integer"}),
        json!({"enum": ["a", canary.to_uppercase()]}),
        json!({"const": "a"}),
        json!({"pattern": "^x$"}),
        json!({"maxLength": 2}),
        json!({"minLength": 200}),
        json!({"anyOf": [{"type": "integer"}, {"type": "array"}]}),
        json!({"oneOf": [{"type": "string"}, {"minLength": 1}]}),
        json!({"not": {"type": "string"}}),
        json!(false),
        json!({"if": {"type": "string"}, "then": {"maxLength": 1}}),
        json!({"$ref": "#/$defs/short"}),
    ];
    for rule in rules {
        let mut marked = json!({"x-factory-sensitive": true});
        match rule.as_object() {
            Some(members) => marked.as_object_mut().unwrap().extend(members.clone()),
            None => marked["allOf"] = json!([rule]),
        }
        let document = json!({"$defs": {"short": {"maxLength": 1}},
            "properties": {"token": marked, "account": {"properties": {"key": marked}}}});
        let value = json!({"token": canary, "account": {"key": canary}});
        let problems = schema(document.clone()).problems(&value, OPEN);
        assert!(!problems.is_empty(), "{document}");
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
        let credentials = Judged { root: "credentials", is_secret: true, ..OPEN };
        let unmarked =
            schema(json!({"$defs": {"short": {"maxLength": 1}}, "properties": {"key": rule}}));
        let problems = unmarked.problems(&json!({"key": canary}), credentials);
        assert!(
            !problems.is_empty() && !format!("{problems:?}").contains("hunter2"),
            "{problems:?}"
        );
    }
    let other = schema(json!({"properties": {"user": {"maxLength": 3}}}));
    let knowing = Judged { secrets: &[canary], ..OPEN };
    let problems = other.problems(&json!({"user": format!("me:{canary}")}), knowing);
    assert!(!problems.is_empty() && !format!("{problems:?}").contains("hunter2"), "{problems:?}");
}

#[test]
fn what_is_deprecated_is_warned_of_if_it_is_given() {
    let schema = schema(json!({"properties": {
        "old": {"deprecated": true, "description": "use new"}, "older": {"deprecated": true}, "new": {},
    }}));
    let warned = schema.deprecations(|name| name == "old" || name == "new", "parameters");
    let [only] = warned.as_slice() else { panic!("{warned:?}") };
    assert_eq!((only.message.as_str(), only.hint.as_str()), ("old is deprecated", "use new"));
}

#[test]
fn definitions_are_objects_where_text_is_not_taken() {
    let object_only = schema(json!({"type": "object"}));
    assert_eq!(definition(&object_only, r#"{"a": 1}"#), json!({"a": 1}));
    assert_eq!(definition(&object_only, "eu-west"), json!("eu-west"));
    assert_eq!(definition(&object_only, "<provider/>"), json!("<provider/>"));
    let both = schema(json!({"type": ["string", "object"]}));
    assert_eq!(definition(&both, r#"{"a": 1}"#), json!({"a": 1}));
    assert_eq!(definition(&both, "7"), json!("7"));
    let text = schema(json!({"type": "string"}));
    assert_eq!(definition(&text, r#"{"a": 1}"#), json!(r#"{"a": 1}"#));
}

#[test]
fn of_several_forms_the_one_that_was_meant_says_what_is_wrong() {
    let pool = json!({"anyOf": [
        {"type": "string", "pattern": "^/"},
        {"type": "object", "required": ["pool"], "properties": {"pool": {"type": "string"}, "name": {}},
            "additionalProperties": false},
    ]});
    assert_eq!(
        told(pool.clone(), json!({"pol": "/a"})),
        [
            "parameters.pol: pol is not known (did you mean pool?)",
            "parameters.pool: pool is missing ()",
        ]
    );
    assert_eq!(
        told(pool, json!("a")),
        ["parameters: parameters must match the pattern ^/, not `a` ()"]
    );
}

#[test]
fn a_table_has_what_a_person_needs() {
    let rows = schema(json!({"required": ["size"], "properties": {
        "size": {"type": "integer", "minimum": 1, "description": "in MiB"},
        "format": {"enum": ["raw", "qcow2", true], "default": "raw"},
        "key": {"type": "string", "x-factory-sensitive": true, "default": "hunter2"},
        "old": {"deprecated": true},
    }}))
    .table();
    let row = |name: &str| rows.iter().find(|row| row.name == name).cloned().unwrap();
    assert_eq!((row("size").kind, row("size").allowed), ("integer".into(), "1..".into()));
    assert!(row("size").is_required && row("size").description == "in MiB");
    assert_eq!(row("format").allowed, "raw | qcow2 | true");
    assert_eq!(
        (row("format").kind, row("format").default),
        ("string | boolean".into(), "\"raw\"".into())
    );
    assert!(row("key").is_sensitive && row("key").default.is_empty());
    assert!(row("old").is_deprecated);
}

/// A generator of schemas and values: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn rule(&mut self, depth: u64) -> Value {
        match self.below(9 + depth.min(1) * 3) {
            0 => json!({"type": "integer", "minimum": self.below(5)}),
            1 => json!({"type": "boolean"}),
            2 => json!({"type": "string", "maxLength": self.below(6)}),
            3 => json!({"type": ["number", "null"]}),
            4 => json!({"enum": [true, "true", 1, "none"]}),
            5 => json!({"type": ["integer", "string"]}),
            6 => json!({}),
            7 => json!({"$ref": "#/$defs/list"}),
            8 => json!({"type": "string", "x-factory-sensitive": true}),
            9 => json!({"type": "array", "items": self.rule(depth - 1)}),
            10 => json!({"type": "object", "additionalProperties": self.rule(depth - 1)}),
            _ => json!({"anyOf": [self.rule(depth - 1), self.rule(depth - 1)]}),
        }
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.below(9 + depth.min(1) * 2) {
            0 => Value::Null,
            1 => json!(self.below(2) == 1),
            2 => json!(self.below(8)),
            3 => json!(self.below(64) as f64 / 8.0),
            4 => json!("true"),
            5 => json!(self.below(8).to_string()),
            6 => json!(r#"["a"]"#),
            7 => json!("none"),
            8 => json!(["a", "b"]),
            9 => json!([self.value(depth - 1)]),
            _ => json!({"a": self.value(depth - 1), "": self.value(depth - 1)}),
        }
    }
}

#[test]
fn what_a_schema_takes_is_passed_on_unchanged_and_what_is_passed_on_it_takes() {
    let mut random = Random(0x5eed);
    let (mut taken, mut read) = (0, 0);
    for round in 0..4000 {
        let names = ["a", "b/~c", "d"];
        let properties: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), random.rule(2))).collect();
        let document = json!({"$defs": {"list": {"type": "array", "items": {"type": "string"}}},
            "type": "object", "properties": properties, "additionalProperties": random.below(2) == 1});
        let count = random.below(4) as usize;
        let given: Map<String, Value> = ["a", "b/~c", "d", "other"][..count]
            .iter()
            .map(|name| ((*name).to_owned(), random.value(2)))
            .collect();
        let schema = schema(document.clone());
        let view = schema.view(&given);
        if jsonschema::draft202012::is_valid(&document, &Value::Object(given.clone())) {
            assert_eq!(view, given, "round {round}: {document}");
            assert_eq!(
                schema.problems(&Value::Object(given), OPEN),
                [],
                "round {round}: {document}"
            );
            taken += 1;
        } else if schema.problems(&Value::Object(view.clone()), OPEN).is_empty() {
            // Text was read, or names left out: what comes of it is what the schema takes.
            assert!(
                jsonschema::draft202012::is_valid(&document, &Value::Object(view)),
                "{document}"
            );
            read += 1;
        }
    }
    assert!(500 < taken && 30 < read, "{taken} and {read} of 4000 are no test");
}
