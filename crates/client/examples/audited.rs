//! A service that audits what it does: nobody gets a refund that is not recorded, and whoever gets one gets the proof with it.
//!
//! ```sh
//! export INDELIBLE_NODE=https://localhost:7443 INDELIBLE_CA=ca.pem INDELIBLE_CERT=billing.pem INDELIBLE_KEY=billing.key
//! export INDELIBLE_PIN="$(cat payments.pin)"
//! cargo run -p indelible-client --example audited -- order-41 order-42
//! ```

use indelible_client::{Claim, Client, Error};

/// What the service owns: a way to the money, and a way to the log.
pub struct Refunds {
    audit: Client,
    /// Orders that were paid back.
    pub paid: Vec<String>,
}

impl Refunds {
    /// A service that records with this client.
    pub fn new(audit: Client) -> Refunds {
        let paid = Vec::new();
        Refunds { audit, paid }
    }

    /// Records the refund, then pays it; gives the receipt. The order is the key: asked twice, it is recorded once and paid once.
    pub async fn refund(&mut self, clerk: &str, order: &str) -> Result<String, Error> {
        let event = serde_json::json!({
            "actor": clerk,
            "action": "order.refund",
            "target": { "type": "order", "id": order },
            "outcome": "success",
        });
        let key = Claim::key(&format!("refund:{order}"))
            .map_err(|error| Error::Key(error.to_string()))?;
        let recorded = self
            .audit
            .append_as("payments", event.to_string(), &key)
            .await?;
        if !recorded.again {
            self.paid.push(order.to_owned());
        }
        Ok(recorded.receipt())
    }
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set"))
}

#[allow(dead_code, reason = "a test uses the service without its main")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::builder(variable("INDELIBLE_NODE")?)
        .ca(variable("INDELIBLE_CA")?.as_str())
        .identity(
            variable("INDELIBLE_CERT")?.as_str(),
            variable("INDELIBLE_KEY")?.as_str(),
        )
        .pin(variable("INDELIBLE_PIN")?)
        .build()?;
    let mut refunds = Refunds::new(client);
    for order in std::env::args().skip(1) {
        match refunds.refund("ann", &order).await {
            Ok(receipt) => println!("{order} refunded; its receipt:\n{receipt}"),
            Err(error) if error.may_be_recorded() => println!("{order}: ask again: {error}"),
            Err(error) => println!("{order}: not recorded, not refunded: {error}"),
        }
    }
    Ok(())
}
