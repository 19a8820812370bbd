//! Mistakes drawn with the lines that they are in (feature `ariadne`).

use ariadne::{CharSet, Color, Config, IndexType, Label, Report, ReportKind};

use super::{Mistake, Mistakes};

impl Mistakes {
    /// Draws each mistake below the lines of the source that it is in, with colours or without.
    ///
    /// ```
    /// use netns_test_topology::{Topology, file::Source};
    ///
    /// let source = Source::new("lan.toml", "node.a.eth0 = \"10.0.0.1\"\n");
    /// let mistakes = Topology::from_source(&source).unwrap_err();
    /// assert!(mistakes.draw(false).contains("│ node.a.eth0 = \"10.0.0.1\""));
    /// ```
    pub fn draw(&self, colours: bool) -> String {
        self.iter().map(|mistake| self.draw_one(mistake, colours)).collect::<Vec<_>>().join("\n")
    }

    fn draw_one(&self, Mistake { problem, span }: &Mistake, colours: bool) -> String {
        let name = self.source.name();
        // Without words a label is a colour only, and not there for who sees none.
        let label = problem.help.as_ref().map_or("here".to_owned(), |help| format!("help: {help}"));
        let config = Config::default()
            .with_color(colours)
            .with_index_type(IndexType::Byte)
            .with_char_set(CharSet::Unicode)
            .with_tab_width(4);
        let mut report = Report::build(ReportKind::Error, (name, span.clone()))
            .with_config(config)
            .with_code(problem.code())
            .with_message(&problem.message)
            .with_label(Label::new((name, span.clone())).with_message(&label).with_color(Color::Red));
        for note in &problem.notes {
            report = report.with_note(note);
        }
        let mut drawn = Vec::new();
        let cache = (name, ariadne::Source::from(self.source.text()));
        report.finish().write(cache, &mut drawn).expect("writing to memory does not fail");
        String::from_utf8_lossy(&drawn).lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n"
    }
}
