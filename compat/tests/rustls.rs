//! TLS by futures-rustls over connections of ours.

mod common;

use common::tls::{NAME, acceptor, certificate, connector};
use common::{MEGABYTE, pair, pattern, run};
use futures_rustls::rustls::pki_types::ServerName;
use futures_rustls::rustls::{CertificateError, Error};
use futures_rustls::{TlsAcceptor, TlsConnector, client, server};
use futures_util::{AsyncReadExt, AsyncWriteExt};
use offtick::net::TcpStream;
use offtick::{BoxError, Handle, Task};
use std::io;

type Accepting = Task<server::TlsStream<TcpStream>>;

/// A client's attempt, and the server's.
async fn handshake(
    handle: &Handle,
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    name: &str,
) -> Result<(io::Result<client::TlsStream<TcpStream>>, Accepting), BoxError> {
    let (near, far) = pair().await?;
    let accepting = handle.run(acceptor.accept(far));
    let name = ServerName::try_from(name.to_owned())?;
    Ok((connector.connect(name, near).await, accepting))
}

/// The certificate error that ended a handshake.
fn refusal(connected: io::Result<client::TlsStream<TcpStream>>) -> Result<CertificateError, BoxError> {
    let error = connected.err().ok_or("the handshake went well")?;
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(Error::InvalidCertificate(why)) => Ok(why.clone()),
        _ => Err(error.into()),
    }
}

#[test]
fn bytes_come_back_and_the_end_is_a_clean_one() {
    run(|handle| async move {
        let (trusted, key) = certificate("we")?;
        let (acceptor, connector) = (acceptor((trusted.clone(), key))?, connector(trusted)?);
        let (connected, accepting) = handshake(&handle, acceptor, connector, NAME).await?;
        let (mut near, mut far) = (connected?, accepting.await?);
        let echo = handle.run(async move {
            let mut buffer = vec![0; 10_000];
            let mut echoed = 0;
            loop {
                let n = far.read(&mut buffer).await?;
                if n == 0 {
                    far.close().await?;
                    return io::Result::Ok(echoed);
                }
                far.write_all(&buffer[..n]).await?;
                far.flush().await?;
                echoed += n;
            }
        });
        near.write_all(b"a short one").await?;
        near.flush().await?;
        let mut short = [0; 11];
        near.read_exact(&mut short).await?;
        assert_eq!(&short, b"a short one");
        // More than all buffers hold: both directions at once.
        let (mut reader, mut writer) = near.split();
        let sent = pattern(0, 10 * MEGABYTE);
        let theirs = sent.clone();
        let writing = handle.run(async move {
            writer.write_all(&theirs).await?;
            writer.close().await
        });
        let mut got = Vec::new();
        // An end without TLS's own word of it would be an error here.
        reader.read_to_end(&mut got).await?;
        assert!(got == sent, "not what was sent");
        writing.await?;
        assert_eq!(echo.await?, 11 + 10 * MEGABYTE);
        Ok(())
    });
}

#[test]
fn a_certificate_of_someone_else_is_refused() {
    // Under a name of its own, and under the name of the one that is trusted.
    for (name, why) in [("they", CertificateError::UnknownIssuer), ("we", CertificateError::BadSignature)] {
        run(move |handle| async move {
            let (trusted, _) = certificate("we")?;
            let (acceptor, connector) = (acceptor(certificate(name)?)?, connector(trusted)?);
            let (connected, accepting) = handshake(&handle, acceptor, connector, NAME).await?;
            assert_eq!(refusal(connected)?, why);
            // The server is told as well.
            let error = accepting.await.expect_err("the client broke off");
            let error = error.downcast_ref::<io::Error>().ok_or("an error of the stream")?;
            let alert = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
            assert!(matches!(alert, Some(Error::AlertReceived(_))), "{error:?}");
            Ok(())
        });
    }
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    run(|handle| async move {
        let (trusted, key) = certificate("we")?;
        let (acceptor, connector) = (acceptor((trusted.clone(), key))?, connector(trusted)?);
        let (connected, _accepting) = handshake(&handle, acceptor, connector, "elsewhere.test").await?;
        let why = refusal(connected)?;
        assert!(matches!(why, CertificateError::NotValidForNameContext { .. }), "{why:?}");
        Ok(())
    });
}
