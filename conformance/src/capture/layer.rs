//! The layer that writes down what is logged.

use std::fmt::{Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Capture;

/// Writes down every event and span with its fields, of all targets, while it is heard.
pub(super) struct Recording(pub(super) Capture);

impl Recording {
    fn write(&self, kind: &str, of: &Metadata<'_>, fields: Fields) {
        self.0.log(format_args!("{} {kind} {} {}:{}", of.level(), of.target(), of.name(), fields.0));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recording {
    /// Each time anew: who listens comes and goes.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.0.0.hearing.is_on()
    }

    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut fields = Fields::default();
        span.record(&mut fields);
        self.write("span", span.metadata(), fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(metadata) = context.metadata(id) {
            self.write("span", metadata, fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.write("event", event.metadata(), fields);
    }
}

/// The fields, one after the other.
#[derive(Default)]
struct Fields(String);

impl Fields {
    fn add(&mut self, field: &Field, value: impl std::fmt::Display) {
        // Writing to a string fails only when the value's own text does.
        _ = write!(self.0, " {}={value}", field.name());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format_args!("{value:?}"));
    }

    /// As it is: its `Debug` would escape it.
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    /// With everything below it.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let below = std::iter::successors(Some(value), |error| error.source());
        below.for_each(|error| self.add(field, format_args!("{error} {error:?}")));
    }
}
