package org.fusionc.runtime.net;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Trusts what the directory's CA signed for a role of a cluster: whoever listens must be certified
 * for that (a client's certificate is not good for a server), and for the host that was called.
 */
final class CredentialsTrust extends X509ExtendedTrustManager {
  private final Credentials credentials;

  CredentialsTrust(Credentials credentials) {
    this.credentials = credentials;
  }

  private X509ExtendedTrustManager trust() {
    return credentials.current().trust();
  }

  private static void checkRole(X509Certificate[] chain) throws CertificateException {
    var identity = Identity.of(chain[0]);
    if (identity.role() == null) {
      throw new CertificateException(
          "the certificate of '" + identity.name() + "' names no role of a cluster, or several");
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    trust().checkClientTrusted(chain, type, engine);
    checkRole(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    trust().checkServerTrusted(chain, type, engine);
    checkRole(chain);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    trust().checkClientTrusted(chain, type, socket);
    checkRole(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    trust().checkServerTrusted(chain, type, socket);
    checkRole(chain);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    trust().checkClientTrusted(chain, type);
    checkRole(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    trust().checkServerTrusted(chain, type);
    checkRole(chain);
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return trust().getAcceptedIssuers();
  }
}
