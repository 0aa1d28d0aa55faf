//! Holds a document against the schema and notes everything that does not fit.

use super::problem::{Fault, Faults};
use super::schema::{Child, Content, Occurs, ROOT, Shape, TEMPLATE};
use super::suggest;
use super::xml::{Attribute, Element, Namespace, is_space};
use crate::report::choice;

/// Among so many children a misspelt one is looked for.
const MAX_GUESSES: usize = 100;

/// Checks the whole document. Answers whether its root is a template, so that looking further makes sense.
pub(super) fn document(root: &Element<'_>, faults: &mut Faults) -> bool {
    if !root.is(ROOT) {
        faults.add(wrong_root(root));
        return false;
    }
    element(root, &TEMPLATE, ROOT, faults);
    true
}

fn wrong_root(root: &Element<'_>) -> Fault {
    if root.namespace != Namespace::None {
        return in_namespace(root, "");
    }
    let message = format!("the root element is `{}`", root.name);
    Fault::new("wrong-root", root.span.clone(), "", message).expected(format!("`{ROOT}`"))
}

fn element(element: &Element<'_>, shape: &'static Shape, path: &str, faults: &mut Faults) {
    attributes(element, shape, path, faults);
    stray_text(element, shape, path, faults);
    children(element, shape, path, faults);
}

fn attributes(element: &Element<'_>, shape: &'static Shape, path: &str, faults: &mut Faults) {
    for attribute in &element.attributes {
        if !shape.attributes.iter().any(|rule| rule.name == attribute.name) {
            faults.add(unknown_attribute(element, attribute, shape, path));
        }
    }
    for rule in shape.attributes.iter().filter(|rule| rule.required) {
        let misspelt = || {
            let names = element.attributes.iter().map(|attribute| attribute.name);
            suggest::meant(rule.name, names, shape.attributes.iter().map(|rule| rule.name))
        };
        if element.attribute(rule.name).is_none() && !misspelt() {
            let message = format!("`{}` lacks the attribute `{}`", element.name, rule.name);
            let hint = suggest::child_meant_as_attribute(element, rule.name);
            let fault = Fault::new("missing-attribute", element.span.clone(), path, message);
            faults.add(fault.expected(format!("`{}=\"…\"`", rule.name)).maybe_hint(hint));
        }
    }
}

fn unknown_attribute(
    element: &Element<'_>,
    attribute: &Attribute<'_>,
    shape: &'static Shape,
    path: &str,
) -> Fault {
    let known = || shape.attributes.iter().map(|rule| rule.name);
    let path = format!("{path}/@{}", attribute.name);
    let message = format!("unknown attribute `{}` of `{}`", attribute.name, element.name);
    let fault = Fault::new("unknown-attribute", attribute.span.clone(), path, message)
        .maybe_hint(suggest::attribute(attribute.name, shape));
    if known().next().is_none() {
        fault.expected("no attributes")
    } else {
        fault.expected(choice(known()))
    }
}

fn stray_text(element: &Element<'_>, shape: &Shape, path: &str, faults: &mut Faults) {
    if matches!(shape.content, Content::Text) || element.texts().all(|(text, _)| is_space(text)) {
        return;
    }
    let message = format!("text directly inside `{}`", element.name);
    let fault = Fault::new("unexpected-text", element.value_span(), path, message);
    faults.add(match shape.content {
        Content::Elements(children) => {
            fault.expected(format!("only elements: {}", choice(children.iter().map(|c| c.name))))
        }
        Content::Text | Content::Nothing => fault.expected("nothing"),
    });
}

fn children(parent: &Element<'_>, shape: &'static Shape, path: &str, faults: &mut Faults) {
    let rules = shape.children();
    let mut seen = vec![0_usize; rules.len()];
    for child in parent.children() {
        let Some(index) = rules.iter().position(|rule| child.is(rule.name)) else {
            faults.add_with(|| unknown_element(child, parent, shape, path));
            continue;
        };
        seen[index] += 1;
        let (rule, nth) = (&rules[index], seen[index]);
        let single = matches!(rule.occurs, Occurs::Once | Occurs::AtMostOnce);
        if single && nth == 2 {
            faults.add(repeated(child, parent, rule.shape, path));
        }
        element(child, rule.shape, &child_path(path, rule, nth), faults);
    }
    absent(parent, rules, &seen, path, faults);
}

fn child_path(path: &str, rule: &Child, nth: usize) -> String {
    let single = matches!(rule.occurs, Occurs::Once | Occurs::AtMostOnce);
    if single && nth == 1 {
        format!("{path}/{}", rule.name)
    } else {
        format!("{path}/{}[{nth}]", rule.name)
    }
}

fn repeated(child: &Element<'_>, parent: &Element<'_>, shape: &Shape, path: &str) -> Fault {
    let message = format!("more than one `{}` in `{}`", child.name, parent.name);
    let path = format!("{path}/{}[2]", child.name);
    let fault = Fault::new("duplicate-element", child.span.clone(), path, message);
    let hint = is_list(shape).then(|| format!("put everything into the first `{}`", child.name));
    fault.expected("one").maybe_hint(hint)
}

fn is_list(shape: &Shape) -> bool {
    shape.children().iter().any(|child| child.occurs == Occurs::Any)
}

fn absent(
    parent: &Element<'_>,
    rules: &'static [Child],
    seen: &[usize],
    path: &str,
    faults: &mut Faults,
) {
    let missing = |occurs| rules.iter().zip(seen).filter(move |(rule, _)| rule.occurs == occurs);
    let misspelt = |rule: &Child| {
        let names = parent.children().map(|child| child.name).take(MAX_GUESSES);
        suggest::meant(rule.name, names, rules.iter().map(|rule| rule.name))
    };
    let missing_once = missing(Occurs::Once).filter(|(_, seen)| **seen == 0);
    for (rule, _) in missing_once.filter(|(rule, _)| !misspelt(rule)) {
        let message = format!("`{}` lacks `{}`", parent.name, rule.name);
        let hint = suggest::attribute_meant_as_child(parent, rule.name);
        let fault = Fault::new("missing-element", parent.span.clone(), path, message);
        faults.add(fault.expected(format!("`<{}>`", rule.name)).maybe_hint(hint));
    }
    if missing(Occurs::SomeOfThese).next().is_some() && parent.children().next().is_none() {
        let message = format!("`{}` is empty", parent.name);
        let fault = Fault::new("missing-element", parent.span.clone(), path, message);
        faults.add(fault.expected(choice(rules.iter().map(|rule| rule.name))));
    }
}

fn unknown_element(
    child: &Element<'_>,
    parent: &Element<'_>,
    shape: &'static Shape,
    path: &str,
) -> Fault {
    if child.namespace != Namespace::None {
        return in_namespace(child, path);
    }
    let message = format!("unknown element `{}` in `{}`", child.name, parent.name);
    let path = format!("{path}/{}", child.name);
    let fault = Fault::new("unknown-element", child.span.clone(), path, message)
        .maybe_hint(suggest::element(child.name, shape));
    match shape.content {
        Content::Elements(rules) => fault.expected(choice(rules.iter().map(|rule| rule.name))),
        Content::Text => fault.expected("only text"),
        Content::Nothing => fault.expected("nothing"),
    }
}

fn in_namespace(element: &Element<'_>, path: &str) -> Fault {
    let span = element.span.clone();
    let path = if path.is_empty() { String::new() } else { format!("{path}/{}", element.name) };
    if element.namespace == Namespace::XInclude {
        let message = "XInclude is not allowed";
        return Fault::new("xml-xinclude", span, path, message)
            .hint("put the text itself here, or use content of type `url`");
    }
    let message = format!("`{}` is in an XML namespace", element.name);
    Fault::new("xml-namespace", span, path, message)
        .expected("no namespace")
        .hint("remove the prefix, or the `xmlns` that is in force here")
}
