//! Finds the image that a shortened id means.

use super::error::Error;
use super::session::Client;
use factory_proto::factory_v1 as v1;

/// The fewest digits that may stand for an id.
const LEN_MIN: usize = 4;
/// How long a whole id is.
const WHOLE_LEN: usize = 36;
/// How many images are told that a word could mean.
const MEANT_MAX: u32 = 10;

/// Answers the image that a word means: its id, or a beginning that only its id has.
pub(super) async fn find(client: &mut Client, word: &str) -> Result<v1::Image, Error> {
    if word.len() == WHOLE_LEN {
        let request = v1::GetImageRequest { id: word.to_owned() };
        return Ok(client.get_image(request).await?.into_inner());
    }
    let digits = digits(word)?;
    let request = v1::ListImagesRequest {
        deleted: true,
        id_prefix: digits.clone(),
        page_size: MEANT_MAX,
        ..Default::default()
    };
    let images = client.list_images(request).await?.into_inner().images;
    pick(images, word, &digits)
}

/// Answers the images that some words mean.
pub(super) async fn find_all(
    client: &mut Client,
    words: &[String],
) -> Result<Vec<v1::Image>, Error> {
    let mut found = Vec::new();
    for word in words {
        found.push(find(client, word).await?);
    }
    Ok(found)
}

/// Answers the digits of a word that may be the beginning of an id.
fn digits(word: &str) -> Result<String, Error> {
    let digits = word.to_ascii_lowercase();
    if LEN_MIN <= digits.len() && digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Ok(digits);
    }
    Err(Error::Image(format!("`{word}` is not an image id, nor at least {LEN_MIN} digits of one")))
}

fn pick(images: Vec<v1::Image>, word: &str, digits: &str) -> Result<v1::Image, Error> {
    let mut meant: Vec<v1::Image> =
        images.into_iter().filter(|image| image.id.starts_with(digits)).collect();
    match meant.len() {
        1 => Ok(meant.remove(0)),
        0 => Err(Error::NoImage(word.to_owned())),
        _ => {
            let ids: Vec<&str> = meant.iter().map(|image| image.id.as_str()).collect();
            let ids = ids.join(", ");
            Err(Error::Image(format!("`{word}` could be any of these images: {ids}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(word: &str) -> Result<String, String> {
        let ids = ["0192f3a4-0000-4000-8000-000000000000", "0192bbbb-0000-4000-8000-000000000000"];
        let images = ids.map(|id| v1::Image { id: id.into(), ..Default::default() });
        super::digits(word)
            .and_then(|digits| super::pick(images.into(), word, &digits))
            .map(|image| image.id)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_beginning_is_enough_if_only_one_image_has_it() {
        assert_eq!(pick("0192F3").unwrap(), "0192f3a4-0000-4000-8000-000000000000");
        assert_eq!(
            pick("0192").unwrap_err(),
            "`0192` could be any of these images: 0192f3a4-0000-4000-8000-000000000000, \
             0192bbbb-0000-4000-8000-000000000000"
        );
        assert_eq!(pick("cccc").unwrap_err(), "there is no image cccc");
    }

    #[test]
    fn a_word_that_can_be_no_id_is_refused_as_such() {
        let refusal = "is not an image id, nor at least 4 digits of one";
        assert_eq!(pick("aaa").unwrap_err(), format!("`aaa` {refusal}"));
        assert_eq!(pick("../x").unwrap_err(), format!("`../x` {refusal}"));
    }
}
