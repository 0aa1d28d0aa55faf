//! Merging fragments: new packages and repositories take the place of those with their names.

use crate::document;
use factoryd::domain::Template;
use factoryd::tdl;

fn template() -> Template {
    let packages = "<packages><package name='a'/><package name='b'/><package name='a'/></packages>";
    let one = "<repository name='one'><url>http://one/</url></repository>";
    let two = "<repository name='two'><url>http://two/</url></repository>";
    let body = format!("{packages}<repositories>{one}{two}</repositories>");
    tdl::parse(&document(&body)).unwrap()
}

fn packages(fragment: &str) -> Result<Vec<String>, &'static str> {
    let mut template = template();
    let merged = tdl::merge_packages(&mut template, fragment);
    merged.map_err(|problems| problems.0[0].code)?;
    Ok(template.packages.into_iter().map(|package| package.name).collect())
}

fn repositories(fragment: &str) -> Result<Vec<(String, String)>, &'static str> {
    let mut template = template();
    let before = template.clone();
    if let Err(problems) = tdl::merge_repositories(&mut template, fragment) {
        assert_eq!(template, before, "a fragment that is refused changes nothing");
        return Err(problems.0[0].code);
    }
    Ok(template.repositories.into_iter().map(|one| (one.name, one.url)).collect())
}

#[test]
fn a_merged_package_replaces_all_of_its_name_and_goes_to_the_end() {
    let merged = packages("<packages><package name='a'/><package name='c'/></packages>");
    assert_eq!(merged.unwrap(), ["b", "a", "c"]);
    let twice = packages("<packages><package name='c'/><package name='c'/></packages>");
    assert_eq!(twice.unwrap(), ["a", "b", "a", "c"]);
}

#[test]
fn a_merged_repository_takes_the_place_of_the_one_with_its_name() {
    let new = "<repository name='one'><url>http://new/</url></repository>";
    let other = "<repository name='three'><url>http://three/</url></repository>";
    let merged = repositories(&format!("<repositories>{new}{other}</repositories>")).unwrap();
    let found: Vec<_> = merged.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
    let expected = [("one", "http://new/"), ("two", "http://two/"), ("three", "http://three/")];
    assert_eq!(found, expected);
}

#[test]
fn what_is_not_known_in_a_fragment_does_not_count() {
    let unchanged = ["a", "b", "a"];
    assert_eq!(packages("<packages/>").unwrap(), unchanged);
    assert_eq!(packages("<others><package name='x'/></others>").unwrap(), unchanged);
    assert_eq!(packages("<packages><x><package name='x'/></x></packages>").unwrap(), unchanged);
    assert_eq!(packages("<packages xmlns='u'><package name='x'/></packages>").unwrap(), unchanged);
    let noise = "<packages>text<package name='x' y='z'>text<odd/></package></packages>";
    assert_eq!(packages(noise).unwrap(), ["a", "b", "a", "x"]);
}

#[test]
fn a_fragment_that_makes_no_sense_is_refused() {
    assert_eq!(packages(""), Err("xml-root"));
    assert_eq!(packages("<packages>"), Err("xml-tag"));
    assert_eq!(packages("<!DOCTYPE packages><packages/>"), Err("xml-doctype"));
    assert_eq!(packages("<packages><package/></packages>"), Err("missing-attribute"));
    let two = "<packages><package name='x'><file/><file/></package></packages>";
    assert_eq!(packages(two), Err("duplicate-element"));
}

#[test]
fn a_repository_that_makes_no_sense_is_refused() {
    let one = |inside: &str| {
        repositories(&format!(
            "<repositories><repository name='x'>{inside}</repository></repositories>"
        ))
    };
    assert!(one("<url/>").is_ok());
    assert!(one("<url>u</url><signed/>").is_ok());
    assert!(one("<url>u</url><signed>yes<!-- -->!</signed>").is_ok());
    assert_eq!(one(""), Err("missing-element"));
    assert_eq!(one("<url/><url/>"), Err("duplicate-element"));
    assert_eq!(one("<url>http://localhost/</url>"), Err("repository-localhost"));
    assert_eq!(one("<url>u</url><signed> yes</signed>"), Err("bad-boolean"));
}

const CONTENTS: &str = "<template_includes>
  <include><packages><package name='any'/></packages></include>
  <include target='ec2'><packages><package name='ec2'/></packages></include>
  <include target='ec2' os='Fedora'><packages><package name='fedora'/></packages></include>
  <include target='ec2' os='Fedora' version='38' arch='x86_64'>
    <packages><package name='exact'/></packages>
    <repositories><repository name='two'><url>http://ec2/</url></repository></repositories>
  </include>
  <include target='ec2' os='Fedora' version='38' arch='x86_64'>
    <packages><package name='never'/></packages>
  </include>
  <include target='kvm' arch='x86_64'><packages><package name='never'/></packages></include>
</template_includes>";

fn last_package(contents: &str, target: &str, version: &str) -> Option<String> {
    let mut template = template();
    template.os.version = version.into();
    let found = tdl::merge_target_content(&mut template, contents, target).unwrap();
    found.then(|| template.packages.pop().unwrap().name)
}

#[test]
fn the_content_that_fits_a_target_most_closely_is_merged() {
    assert_eq!(last_package(CONTENTS, "ec2", "38").as_deref(), Some("exact"));
    assert_eq!(last_package(CONTENTS, "ec2", "39").as_deref(), Some("fedora"));
    assert_eq!(last_package(CONTENTS, "kvm", "38").as_deref(), Some("any"));
    assert_eq!(last_package("<template_includes/>", "ec2", "38"), None);
    assert_eq!(last_package("<others><include/></others>", "ec2", "38"), None);
    let only_ec2 = CONTENTS.replace("os='Fedora'", "os='Debian'");
    assert_eq!(last_package(&only_ec2, "ec2", "38").as_deref(), Some("ec2"));
}

#[test]
fn content_for_a_target_replaces_repositories_by_name() {
    let mut template = template();
    tdl::merge_target_content(&mut template, CONTENTS, "ec2").unwrap();
    assert_eq!(template.repositories[1].url, "http://ec2/");
}

#[test]
fn content_for_targets_that_makes_no_sense_is_refused_and_changes_nothing() {
    let mut template = template();
    let before = template.clone();
    let bad =
        "<template_includes><include><packages><package/></packages></include></template_includes>";
    let problems = tdl::merge_target_content(&mut template, bad, "ec2").unwrap_err();
    assert_eq!(problems.0[0].code, "missing-attribute");
    assert!(tdl::merge_target_content(&mut template, "<template_includes>", "ec2").is_err());
    assert_eq!(template, before);
}
