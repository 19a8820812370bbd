//! The fences of a Markdown document, with what stands before them.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A fenced code block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fence {
    /// The first word behind the fence: `sh`, `console`, `toml`, or nothing.
    pub(crate) language: String,
    /// The other words behind the fence.
    pub(crate) info: String,
    /// What a comment right before it says: `<!-- netns-test: … -->`.
    pub(crate) comment: Option<String>,
    /// The heading under which it stands.
    pub(crate) heading: String,
    pub(crate) text: String,
    /// The line of its first line of text, counted from 1.
    pub(crate) line: usize,
}

/// The title and the fences of a document.
pub(crate) fn read(text: &str) -> (Option<String>, Vec<Fence>) {
    let (mut title, mut fences) = (None, Vec::new());
    let (mut heading, mut comment) = (String::new(), None);
    let mut in_heading: Option<HeadingLevel> = None;
    let mut fence: Option<Fence> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_YAML_STYLE_METADATA_BLOCKS).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                in_heading = Some(level);
                heading.clear();
            }
            Event::End(TagEnd::Heading(_)) => {
                title.get_or_insert_with(|| heading.clone());
                in_heading = None;
            }
            Event::Text(words) | Event::Code(words) if in_heading.is_some() => heading.push_str(&words),
            Event::Html(html) => {
                let said = html.trim().strip_prefix("<!-- netns-test:").and_then(|rest| rest.strip_suffix("-->"));
                comment = said.map(|said| said.trim().to_owned()).or(comment);
            }
            Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let (language, info) = info.split_once(char::is_whitespace).unwrap_or((&info, ""));
                fence = Some(Fence {
                    language: language.to_lowercase(),
                    info: info.trim().to_owned(),
                    comment: comment.take(),
                    heading: heading.clone(),
                    text: String::new(),
                    line: text[..range.start].matches('\n').count() + 2,
                });
            }
            Event::Text(words) => {
                if let Some(fence) = &mut fence {
                    fence.text.push_str(&words);
                }
                comment = None;
            }
            Event::End(TagEnd::CodeBlock) => fences.extend(fence.take()),
            _ => {}
        }
    }
    (title, fences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_read_with_heading_words_comment_and_line() {
        let text =
            "# One `cable`\n\n<!-- netns-test: exit 1 -->\n```sh timeout\nping 10.0.0.9\n```\n\n```\nplain\n```\n";
        let (title, fences) = read(text);
        assert_eq!(title.as_deref(), Some("One cable"));
        let first = &fences[0];
        assert_eq!((first.language.as_str(), first.info.as_str()), ("sh", "timeout"));
        assert_eq!((first.comment.as_deref(), first.line), (Some("exit 1"), 5));
        assert_eq!((first.heading.as_str(), first.text.as_str()), ("One cable", "ping 10.0.0.9\n"));
        assert_eq!((fences[1].language.as_str(), fences[1].line, &fences[1].comment), ("", 9, &None));
    }

    #[test]
    fn a_comment_is_about_the_next_fence_alone() {
        let (_, fences) = read("<!-- netns-test: skip -->\n\nText between.\n\n```sh\ntrue\n```\n");
        assert_eq!(fences[0].comment, None);
    }
}
