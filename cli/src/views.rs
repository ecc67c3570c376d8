//! The declared projections of a directory, opened.

use std::collections::BTreeMap;
use std::sync::Arc;

use oubliette::catalogue::DeclaredView;
use oubliette::{Projection, ProjectionOptions, Projections, Projector, View as _};

use crate::dir::Dir;
use crate::exit::{Exit, NOT_FOUND};

/// Every declared version of each projection, the newest last.
pub(crate) fn declared(dir: &Dir) -> Result<BTreeMap<String, Vec<DeclaredView>>, Exit> {
    let (path, text) = dir.projections()?;
    let mut views: BTreeMap<String, Vec<DeclaredView>> = BTreeMap::new();
    for view in DeclaredView::parse(&path.display().to_string(), &text)? {
        views.entry(view.name().to_owned()).or_default().push(view);
    }
    views.values_mut().for_each(|versions| versions.sort_by_key(|view| view.version()));
    Ok(views)
}

/// Opens a projection, in its newest version or in a stated one. While older ones are
/// declared, their documents are kept.
pub(crate) async fn open(
    dir: &Dir,
    name: &str,
    version: Option<u32>,
) -> Result<Projection<DeclaredView>, Exit> {
    let mut views = declared(dir)?;
    let names: Vec<String> = views.keys().cloned().collect();
    let versions = views.remove(name).ok_or_else(|| {
        Exit::new(NOT_FOUND, format!("no projection {name} is declared in this directory"))
            .next(format!("name one of these: {}", names.join(", ")))
    })?;
    let several = versions.len() > 1;
    let known = versions.iter().map(|view| view.version().to_string()).collect::<Vec<_>>().join(", ");
    let view = match version {
        None => versions.into_iter().next_back(),
        Some(version) => versions.into_iter().find(|view| view.version() == version),
    };
    let view = view.ok_or_else(|| {
        Exit::new(NOT_FOUND, format!("projection {name} is not declared in this version"))
            .next(format!("name one of these, or declare it: {known}"))
    })?;
    let options = ProjectionOptions::default();
    Ok(dir.house.projection(view, if several { options.keep() } else { options }).await?)
}

/// Opens all projections in their newest versions, to be run side by side.
pub(crate) async fn all(dir: &Dir) -> Result<Projections, Exit> {
    let mut projectors: Vec<Arc<dyn Projector>> = Vec::new();
    for name in declared(dir)?.into_keys() {
        projectors.push(Arc::new(open(dir, &name, None).await?));
    }
    Ok(Projections::new(&dir.house, projectors))
}
