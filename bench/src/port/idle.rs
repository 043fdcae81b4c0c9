//! Connections that are open and say nothing: what each costs the node.

use super::certificates::Certificates;
use super::load::connect;
use super::node::Child;

/// Opens so many, and says what the node holds before and with them, in megabytes.
pub fn measure(
    child: &Child,
    certificates: &Certificates,
    count: usize,
) -> anyhow::Result<(f64, f64)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let before = child.memory_now_mb()?;
    let with_all = runtime.block_on(async {
        let mut open = Vec::with_capacity(count);
        for _ in 0..count {
            open.push(connect(child, certificates).await?);
        }
        let with_all = child.memory_now_mb()?;
        let cut = open
            .iter()
            .filter(|connection| connection.is_closed())
            .count();
        anyhow::ensure!(cut == 0, "the node cut {cut} idle connections");
        anyhow::Ok(with_all)
    })?;
    Ok((before, with_all))
}
