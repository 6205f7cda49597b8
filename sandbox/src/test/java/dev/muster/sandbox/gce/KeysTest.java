package dev.muster.sandbox.gce;

import static org.assertj.core.api.Assertions.assertThat;

import dev.muster.sandbox.SimulatedTime;
import io.vertx.core.json.JsonObject;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.Base64;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How a service account's key becomes a call that is taken, and no longer is. */
final class KeysTest {

    private final SimulatedTime time = new SimulatedTime();
    private final Http http = new Http(GceConfig.defaults(), time);
    private final JsonObject key = new JsonObject(http.server.keyFile());

    @AfterEach
    void close() {
        http.close();
    }

    private JsonObject claims() {
        return new JsonObject().put("iss", key.getString("client_email")).put("scope", "https://www.googleapis.com/auth/cloud-platform").put("aud", key.getString("token_uri"))
                .put("iat", time.now().getEpochSecond()).put("exp", time.now().plusSeconds(3600).getEpochSecond());
    }

    private String signed(JsonObject claims) throws Exception {
        var encoder = Base64.getUrlEncoder().withoutPadding();
        var header = new JsonObject().put("alg", "RS256").put("typ", "JWT").put("kid", key.getString("private_key_id"));
        var text = encoder.encodeToString(header.encode().getBytes(StandardCharsets.UTF_8)) + "." + encoder.encodeToString(claims.encode().getBytes(StandardCharsets.UTF_8));
        var pem = key.getString("private_key").replaceAll("-----[A-Z ]+-----|\n", "");
        var signature = Signature.getInstance("SHA256withRSA");
        signature.initSign(KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem))));
        signature.update(text.getBytes(StandardCharsets.US_ASCII));
        return text + "." + encoder.encodeToString(signature.sign());
    }

    private HttpResponse<String> token(String assertion) {
        return http.form("/token", "grant_type=" + URLEncoder.encode("urn:ietf:params:oauth:grant-type:jwt-bearer", StandardCharsets.UTF_8) + "&assertion=" + assertion);
    }

    private int callWith(String bearer) {
        http.authorization = "Bearer " + bearer;
        return http.get("projects/muster-sandbox/zones").statusCode();
    }

    @Test
    void aSignedAssertionBecomesATokenForAnHour() throws Exception {
        // When
        var answer = token(signed(claims()));
        var token = new JsonObject(answer.body()).getString("access_token");

        // Then
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(new JsonObject(answer.body()).getInteger("expires_in")).isEqualTo(3599);
        assertThat(callWith(token)).isEqualTo(200);
        time.pass(Duration.ofHours(1));
        assertThat(callWith(token)).isEqualTo(401);
    }

    @Test
    void withoutCredentialsNothingIsAnswered() {
        var refused = http.get("projects/muster-sandbox/zones");

        assertThat(refused.statusCode()).isEqualTo(401);
        var error = new JsonObject(refused.body()).getJsonObject("error");
        assertThat(error.getString("status")).isEqualTo("UNAUTHENTICATED");
        assertThat(error.getJsonArray("errors").getJsonObject(0).getString("reason")).isEqualTo("authError");
    }

    @Test
    void anAssertionThatIsForgedLateOrForSomeoneElseIsWorthNothing() throws Exception {
        assertThat(refusal(signed(claims()).replaceAll("\\.[^.]+$", ".AAAA"))).isEqualTo("invalid_grant: Invalid JWT Signature.");
        assertThat(refusal(signed(claims().put("iss", "other@example.com")))).isEqualTo("invalid_grant: Invalid JWT Signature.");
        assertThat(refusal(signed(claims().put("aud", "https://example.com/token")))).startsWith("invalid_grant: Invalid JWT: Failed audience check.");
        assertThat(refusal(signed(claims().put("exp", time.now().minusSeconds(3600).getEpochSecond())))).startsWith("invalid_grant: Invalid JWT: Token must be a short-lived token");
        assertThat(refusal(signed(claims().put("scope", "")))).isEqualTo("invalid_scope: Empty or missing scope not allowed.");
        assertThat(refusal("no.assertion")).isEqualTo("invalid_grant: Invalid JWT Signature.");
    }

    private String refusal(String assertion) {
        var answer = token(assertion);
        assertThat(answer.statusCode()).isEqualTo(400);
        var body = new JsonObject(answer.body());
        return body.getString("error") + ": " + body.getString("error_description");
    }

    @Test
    void aRevokedKeyGivesNoTokenAndItsTokensOpenNothing() throws Exception {
        // Given
        var token = new JsonObject(token(signed(claims())).body()).getString("access_token");
        var other = new JsonObject(http.server.keyFile());

        // When
        http.admin("/gce/keys/revoked", new JsonObject().put("id", key.getString("private_key_id")));

        // Then
        assertThat(refusal(signed(claims()))).isEqualTo("invalid_grant: Invalid JWT Signature.");
        assertThat(callWith(token)).isEqualTo(401);
        assertThat(other.getString("private_key_id")).isNotEqualTo(key.getString("private_key_id"));
    }

    @Test
    void whatTheCallerSignsForTheApiItselfIsATokenToo() throws Exception {
        var own = claims().put("sub", key.getString("client_email")).put("aud", "https://compute.googleapis.com/");
        own.remove("scope");

        assertThat(callWith(signed(own))).isEqualTo(200);
        assertThat(callWith(signed(own.copy().put("aud", "https://storage.googleapis.com/")))).isEqualTo(401);
    }
}
