package dev.muster.planner.access;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

/** Calls of the API as JSON over HTTP and TLS, with or without a client certificate, each by a connection of its own. */
final class TlsHttp {

    private final Path folder;
    private final int port;

    /** @param folder of {@link SecuredPlannerResource} */
    TlsHttp(Path folder, int port) {
        this.folder = folder;
        this.port = port;
    }

    HttpResponse<String> get(String path, String token, String certificate) throws Exception {
        return send("GET", path, token, certificate);
    }

    /**
     * @param token null: none
     * @param certificate such as {@code tls/ops}: the authority's folder and the certificate's name; null: none is shown
     */
    HttpResponse<String> send(String method, String path, String token, String certificate) throws Exception {
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("ca", authority("tls").getCertificate("ca"));
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        var tls = SSLContext.getInstance("TLS");
        tls.init(certificate == null ? new KeyManager[0] : new KeyManager[] {shown(certificate)}, trust.getTrustManagers(), null);
        var body = method.equals("POST") ? HttpRequest.BodyPublishers.ofString("{}") : HttpRequest.BodyPublishers.noBody();
        var request = HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + port + path)).timeout(Duration.ofSeconds(30))
                .header("Content-Type", "application/json").method(method, body);
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        return HttpClient.newBuilder().sslContext(tls).build().send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private KeyStore authority(String name) throws IOException, GeneralSecurityException {
        return KeyStore.getInstance(folder.resolve(name + "/authority.p12").toFile(), TestAuthority.PASSWORD.toCharArray());
    }

    /** Shows the certificate whatever the server says of whom it trusts: the JDK's own would keep a stranger's to itself. */
    private KeyManager shown(String certificate) throws IOException, GeneralSecurityException {
        var name = certificate.substring(certificate.indexOf('/') + 1);
        var authority = authority(certificate.substring(0, certificate.indexOf('/')));
        var chain = new X509Certificate[] {(X509Certificate) authority.getCertificate(name)};
        var key = (PrivateKey) authority.getKey(name, TestAuthority.PASSWORD.toCharArray());
        return new X509ExtendedKeyManager() {
            @Override
            public String[] getClientAliases(String keyType, Principal[] issuers) {
                return new String[] {name};
            }

            @Override
            public String chooseClientAlias(String[] keyTypes, Principal[] issuers, Socket socket) {
                return name;
            }

            @Override
            public String chooseEngineClientAlias(String[] keyTypes, Principal[] issuers, SSLEngine engine) {
                return name;
            }

            @Override
            public String[] getServerAliases(String keyType, Principal[] issuers) {
                return null;
            }

            @Override
            public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
                return null;
            }

            @Override
            public X509Certificate[] getCertificateChain(String alias) {
                return chain.clone();
            }

            @Override
            public PrivateKey getPrivateKey(String alias) {
                return key;
            }
        };
    }
}
