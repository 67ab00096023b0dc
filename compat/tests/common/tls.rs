//! A certificate that is its own authority, and both sides of TLS with it.

use futures_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use futures_rustls::{TlsAcceptor, TlsConnector};
use offtick::BoxError;
use std::sync::Arc;

/// The server that the certificates are for.
pub(crate) const NAME: &str = "here.test";

/// A certificate that is its own authority, under this name, and its key.
pub(crate) fn certificate(authority: &str) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), BoxError> {
    let mut about = rcgen::CertificateParams::new([NAME.to_owned()])?;
    about.distinguished_name.push(rcgen::DnType::CommonName, authority);
    let key = rcgen::KeyPair::generate()?;
    let certificate = about.self_signed(&key)?;
    Ok((certificate.into(), PrivateKeyDer::try_from(key.serialize_der())?))
}

pub(crate) fn acceptor(
    (certificate, key): (CertificateDer<'static>, PrivateKeyDer<'static>),
) -> Result<TlsAcceptor, BoxError> {
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
    Ok(Arc::new(config).into())
}

pub(crate) fn connector(trusted: CertificateDer<'static>) -> Result<TlsConnector, BoxError> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted)?;
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()).into())
}
