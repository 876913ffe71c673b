//! The console's files are embedded when centerd is built. Where they were not built, one page
//! stands in that says so; nothing of a built console is ever touched.

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| ".".to_owned());
    let dist = Path::new(&root).join("../console/dist");
    let index = dist.join("index.html");
    if !index.exists() {
        fs::create_dir_all(&dist)?;
        fs::write(
            &index,
            "<!doctype html><meta charset=\"utf-8\"><title>Linebox</title>\
             <p>The console was not built: run <code>make build</code>, then start the box again.\n",
        )?;
    }
    // Cargo's own instructions travel by this stream.
    #[allow(clippy::print_stdout)]
    {
        println!("cargo:rerun-if-changed={}", dist.display());
        println!("cargo:rerun-if-changed=build.rs");
    }
    Ok(())
}
