//! Links between pages: the file exists, and so does the heading. What lies outside the repository is not asked for.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::markdown::Page;
use crate::workspace::Workspace;

pub fn rule(workspace: &Workspace) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for path in workspace.files(".md")? {
        let page = Page::new(&workspace.read(&path)?);
        for (line, target) in page.links() {
            if let Some(fault) = fault(workspace, &path, &page, &target)? {
                found.push(format!("{path}:{line}: {target}: {fault}"));
            }
        }
        found.extend(
            page.undefined()
                .into_iter()
                .map(|(line, name)| format!("{path}:{line}: [{name}] is defined nowhere")),
        );
    }
    Ok(found)
}

/// What is wrong with a link on the page at `path`.
fn fault(
    workspace: &Workspace,
    path: &str,
    page: &Page,
    target: &str,
) -> Result<Option<&'static str>> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(None);
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let Some(file) = resolved(path, file) else {
        return Ok(Some("leaves the repository"));
    };
    if !workspace.root.join(&file).exists() {
        return Ok(Some("no such file"));
    }
    let is_page = file.extension().is_some_and(|extension| extension == "md");
    if anchor.is_empty() || !is_page {
        return Ok(None);
    }
    let anchors = if file == Path::new(path) {
        page.anchors()
    } else {
        Page::new(&workspace.read(&file.to_string_lossy())?).anchors()
    };
    Ok((!anchors.iter().any(|known| known == anchor)).then_some("no such heading"))
}

/// The file a link names, relative to the root; `None` where that is outside.
fn resolved(path: &str, target: &str) -> Option<PathBuf> {
    if target.is_empty() {
        return Some(PathBuf::from(path));
    }
    let from_root = target.strip_prefix('/').map(PathBuf::from);
    let joined = from_root.unwrap_or_else(|| {
        Path::new(path)
            .parent()
            .unwrap_or(Path::new(""))
            .join(target)
    });
    let mut resolved = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::Normal(name) => resolved.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_resolved_from_its_page() {
        let check = |path: &str, target: &str| {
            resolved(path, target).map(|path| path.to_string_lossy().into_owned())
        };
        assert_eq!(
            check("docs/spec/a.md", "b.md").as_deref(),
            Some("docs/spec/b.md")
        );
        assert_eq!(
            check("docs/spec/a.md", "../../README.md").as_deref(),
            Some("README.md")
        );
        assert_eq!(check("docs/a.md", "/vectors").as_deref(), Some("vectors"));
        assert_eq!(check("docs/a.md", "").as_deref(), Some("docs/a.md"));
        assert_eq!(check("docs/a.md", "../../x"), None);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let workspace = Workspace::find().unwrap();
        let page = Page::new("# Here\n");
        let check = |target: &str| fault(&workspace, "docs/spec/event.md", &page, target).unwrap();
        assert_eq!(check("https://example.org/nothing"), None);
        assert_eq!(check("README.md"), None);
        assert_eq!(check("#here"), None);
        assert_eq!(check("#there"), Some("no such heading"));
        assert_eq!(check("README.md#specification-frozen-version-1"), None);
        assert_eq!(check("README.md#nowhere"), Some("no such heading"));
        assert_eq!(check("nothing.md"), Some("no such file"));
        assert_eq!(check("../../../x.md"), Some("leaves the repository"));
    }
}
