//! From the written form to a checked catalogue.

use std::collections::HashSet;

use jiff::Span;
use oubliette_core::alias::AliasKind;
use oubliette_core::{Purpose, Result};
use toml::Spanned;

use crate::catalogue::{Act, Catalogue, ResiduePolicy};
use crate::form::{FieldsForm, Form, PurposeForm, ResidueForm, RuleForm};
use crate::purpose::{Basis, PurposeDeclaration};
use crate::rule::{Fields, Rule};
use crate::source::Source;

/// Reads and checks a catalogue.
pub(crate) fn compile(file: &str, text: &str) -> Result<Catalogue> {
    let source = Source { file, text, op: "read a catalogue", part: "rule" };
    let Form { name, residue, purpose, rule } = source.form()?;
    let purposes =
        purpose.iter().map(|(name, form)| source.purpose(name, form)).collect::<Result<Vec<_>>>()?;
    let compiler = Compiler { source, purposes };
    let residue = compiler.residue(&residue)?;
    let mut names = HashSet::new();
    let mut rules = Vec::with_capacity(rule.len());
    for form in &rule {
        let name = &form.get_ref().name;
        if !names.insert(name.get_ref()) {
            let text = "two rules have the same name: give each its own";
            return Err(compiler.source.fault(name, Some(name.get_ref()), text));
        }
        rules.push(compiler.rule(form)?);
    }
    Ok(Catalogue { name, purposes: compiler.purposes, rules, residue })
}

impl Source<'_> {
    fn purpose(&self, name: &str, form: &Spanned<PurposeForm>) -> Result<PurposeDeclaration> {
        let PurposeForm { basis, retention, description } = form.get_ref();
        let name = Purpose::new(name)
            .map_err(|_| self.fault(form, None, "a purpose's name is 1 to 256 bytes without white space"))?;
        let known = Basis::ALL.into_iter().find(|known| known.as_str() == basis.get_ref());
        let known = known.ok_or_else(|| {
            let all = Basis::ALL.map(Basis::as_str).join(", ");
            self.fault(basis, None, format!("a purpose's basis is one of {all} (GDPR Art. 6(1))"))
        })?;
        let span = retention.get_ref().parse::<Span>().ok().filter(|span| span.is_positive());
        let span = span.ok_or_else(|| {
            self.fault(retention, None, "a retention is a time such as \"3 years\" or \"90 days\"")
        })?;
        Ok(PurposeDeclaration { name, basis: known, retention: span, description: description.clone() })
    }
}

struct Compiler<'a> {
    source: Source<'a>,
    purposes: Vec<PurposeDeclaration>,
}

impl Compiler<'_> {
    fn residue(&self, form: &Spanned<ResidueForm>) -> Result<ResiduePolicy> {
        let ResidueForm { policy, purpose, null, ignore, min_length } = form.get_ref();
        let fault = |text: &str| self.source.fault(policy, None, text);
        let act = match (policy.get_ref().as_str(), purpose) {
            ("seal", Some(purpose)) => Act::Seal {
                purpose: self.purpose(purpose, None)?,
                null: null.as_ref().map(|null| null.get_ref().clone()).unwrap_or_default(),
            },
            ("seal", None) => return Err(fault("policy \"seal\" needs a `purpose` for what it seals")),
            ("refuse", None) if null.is_none() => Act::Refuse,
            ("refuse", _) => {
                return Err(fault("`purpose` and `null` of [residue] go with policy \"seal\" only"));
            }
            _ => return Err(fault("the policy of [residue] is \"seal\" or \"refuse\"")),
        };
        Ok(ResiduePolicy { act, ignore: ResiduePolicy::ignoring(ignore), min_length: *min_length })
    }

    fn rule(&self, spanned: &Spanned<RuleForm>) -> Result<Rule> {
        let form = spanned.get_ref();
        let name = form.name.get_ref();
        let fault = |text: &str| self.source.fault(spanned, Some(name), text);
        let path = |path: &Spanned<String>| self.source.path(path, name);
        let kinds = [(AliasKind::Identifier, &form.aliases), (AliasKind::Name, &form.names)];
        let aliases = kinds
            .into_iter()
            .flat_map(|(kind, paths)| paths.iter().map(move |path| (kind, path)))
            .map(|(kind, at)| Ok((kind, path(at)?)))
            .collect::<Result<Vec<_>>>()?;
        if aliases.is_empty() && form.fields.is_empty() {
            return Err(fault("a rule says what it finds: give it `aliases`, `names` or [[rule.fields]]"));
        }
        if aliases.is_empty() && form.subject.is_none() {
            return Err(fault(
                "the fields of a rule have an owner: give it a `subject`, or `aliases` or `names`",
            ));
        }
        Ok(Rule {
            name: name.clone(),
            events: self.source.globs(form.events.as_deref(), &form.name, name)?,
            at: path(&form.at)?,
            subject: form.subject.as_ref().map(path).transpose()?,
            aliases,
            fields: form.fields.iter().map(|fields| self.fields(fields, name)).collect::<Result<_>>()?,
        })
    }

    fn fields(&self, spanned: &Spanned<FieldsForm>, rule: &str) -> Result<Fields> {
        let FieldsForm { paths, purpose, null, mentions } = spanned.get_ref();
        if paths.is_empty() {
            return Err(self.source.fault(spanned, Some(rule), "[[rule.fields]] needs at least one path"));
        }
        Ok(Fields {
            paths: paths.iter().map(|path| self.source.path(path, rule)).collect::<Result<_>>()?,
            purpose: self.purpose(purpose, Some(rule))?,
            null: null.clone(),
            mentions: *mentions,
        })
    }

    fn purpose(&self, name: &Spanned<String>, rule: Option<&str>) -> Result<Purpose> {
        let known = self.purposes.iter().find(|known| known.name.as_str() == name.get_ref());
        known.map(|known| known.name.clone()).ok_or_else(|| {
            let text = format!("no [purpose.{0}] declares the purpose `{0}`", name.get_ref());
            self.source.fault(name, rule, text)
        })
    }
}
