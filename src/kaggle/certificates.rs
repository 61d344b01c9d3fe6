//! Certificates of a company's own, from the variables that the official client and curl read.
//!
//! Without any of them the system's count, and what `SSL_CERT_DIR` names.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use reqwest::Certificate;

use super::{Error, small_file};
use crate::fs;

/// All certificates of a system are a hundredth of it.
const MOST_BYTES: u64 = 32 << 20;

const VARIABLES: [&str; 3] = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];

/// The certificates in the files or folders that the variables name; they take the place of the
/// system's, as they do for the official client.
pub(super) fn named() -> Result<Option<Vec<Certificate>>, Error> {
    let set = VARIABLES.iter().filter_map(|name| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
        Some((*name, PathBuf::from(value)))
    });
    Ok(all_of(set)?)
}

fn all_of<'a>(
    places: impl Iterator<Item = (&'a str, PathBuf)>,
) -> Result<Option<Vec<Certificate>>> {
    let (mut all, mut seen) = (Vec::new(), Vec::new());
    for (name, path) in places {
        if !seen.contains(&path) {
            all.extend(read(&path).with_context(|| {
                format!(
                    "failed to read the certificates that `{name}` names\nhint: correct or unset it"
                )
            })?);
            seen.push(path);
        }
    }
    Ok(Some(all).filter(|all| !all.is_empty()))
}

fn read(path: &Path) -> Result<Vec<Certificate>> {
    let mut all = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            // A folder of certificates may hold other things.
            let bytes = small_file::read(&entry?.path(), MOST_BYTES).unwrap_or_default();
            all.extend(Certificate::from_pem_bundle(&bytes).unwrap_or_default());
        }
    } else {
        let bytes = small_file::read(path, MOST_BYTES)
            .with_context(|| format!("failed to read `{}`", path.display()))?;
        all = Certificate::from_pem_bundle(&bytes)
            .with_context(|| format!("`{}` is no file of PEM certificates", path.display()))?;
    }
    if all.is_empty() {
        bail!("`{}` holds no PEM certificates", path.display());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl req -x509 -newkey ed25519 -nodes -subj /CN=kaggle-kit-test -days 36500`
    const PEM: &str = "-----BEGIN CERTIFICATE-----
MIIBSjCB/aADAgECAhRDAaAuosKmxlHqf6RRqq3tLVY+xjAFBgMrZXAwGjEYMBYG
A1UEAwwPa2FnZ2xlLWtpdC10ZXN0MCAXDTI2MTEyNDA2MTAzMloYDzIxMjYxMDMx
MDYxMDMyWjAaMRgwFgYDVQQDDA9rYWdnbGUta2l0LXRlc3QwKjAFBgMrZXADIQCq
5mqr+eW1Ciw2N7osi4wdDZcWgbm+2gSp6waeyMtabKNTMFEwHQYDVR0OBBYEFK9o
Qn8iiCOheQiyTweJf+lJp39iMB8GA1UdIwQYMBaAFK9oQn8iiCOheQiyTweJf+lJ
p39iMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EAXFQk438SvlTCVv3ERnVsSqto
UTT4LWr2N5WH1RIg7Ex2L6N5mU83VjG+oeJMcdV1xU8gpAU9fAea2XY4q/FMBA==
-----END CERTIFICATE-----
";

    #[test]
    fn a_file_or_a_folder_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        fs::write_atomic(&file, format!("a comment\n{PEM}\n{PEM}")).unwrap();
        assert_eq!(read(&file).unwrap().len(), 2);
        fs::write_atomic(folder.path().join("README"), "not one").unwrap();
        assert_eq!(read(folder.path()).unwrap().len(), 2);
    }

    #[test]
    fn what_several_variables_name_is_taken_together() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        fs::write_atomic(&file, PEM).unwrap();
        let n = |places: &[(&'static str, &Path)]| {
            let places = places.iter().map(|(name, path)| (*name, path.to_path_buf()));
            all_of(places).map(|all| all.map(|all| all.len()))
        };
        assert_eq!(n(&[]).unwrap(), None);
        assert_eq!(n(&[("A", &file), ("B", &file)]).unwrap(), Some(1));
        assert_eq!(n(&[("A", &file), ("B", folder.path())]).unwrap(), Some(2));
        let text = format!("{:#}", n(&[("A", &file), ("B", Path::new("/no"))]).unwrap_err());
        assert!(text.contains("`B` names\nhint: ") && text.contains("/no"), "{text}");
    }

    #[test]
    fn what_holds_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        assert!(read(&file).unwrap_err().to_string().contains("ca.pem"));
        fs::write_atomic(&file, "nothing").unwrap();
        let text = read(&file).unwrap_err().to_string();
        assert!(text.contains("ca.pem` holds no PEM certificates"), "{text}");
    }
}
