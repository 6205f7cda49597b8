package dev.muster.clearml;

/** A call to a ClearML server that did not bring what was asked for. Its message names the call and never holds a secret. */
public final class ClearmlException extends Exception {

    private static final long serialVersionUID = 1L;

    /** Sorted by what to do about it. */
    public enum Kind {
        /** No connection: the server or the way to it is down. Repeat later. */
        UNREACHABLE,
        /** Credentials are wrong or may not do this, after one renewal of the token. A person must act; repeat rarely. */
        REFUSED,
        /** 5xx: the server says that it is in trouble. Repeat later. */
        SERVER_ERROR,
        /** An answer that was cut, is no ClearML answer, or lacks a field that is needed. Nothing of it may be used. */
        UNREADABLE,
        /** No whole answer within the timeout. The call may have had its effect. */
        TOO_SLOW,
        /** The server understood and said no (4xx); {@link #subcode()} says why. Repeating the same call is useless. */
        INVALID,
        /** The server's API is older than {@link ApiVersion#OLDEST}. A person must upgrade it; repeat rarely. */
        OUTDATED
    }

    private final Kind kind;
    private final String call;
    private final int code;
    private final int subcode;

    private ClearmlException(Kind kind, String call, int code, int subcode, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.call = call;
        this.code = code;
        this.subcode = subcode;
    }

    static ClearmlException unreachable(String call, String why, Throwable cause) {
        return new ClearmlException(Kind.UNREACHABLE, call, 0, 0, call + ": " + why, cause);
    }

    static ClearmlException tooSlow(String call, long timeoutMillis) {
        return new ClearmlException(Kind.TOO_SLOW, call, 0, 0, call + ": no whole answer within " + timeoutMillis + " ms", null);
    }

    static ClearmlException unreadable(String call, String why) {
        return new ClearmlException(Kind.UNREADABLE, call, 0, 0, call + ": " + why, null);
    }

    /** @param version null: the server doesn't tell */
    static ClearmlException outdated(String call, ApiVersion version) {
        var found = version == null ? "this server doesn't say which API version it has" : "this server has API version " + version;
        return new ClearmlException(Kind.OUTDATED, call, 0, 0, call + ": " + found + "; Muster needs " + ApiVersion.OLDEST
                + " or newer: upgrade the ClearML server", null);
    }

    /** Without credentials there is nothing to ask with. */
    static ClearmlException refused(String call, RuntimeException why) {
        return new ClearmlException(Kind.REFUSED, call, 0, 0, call + ": " + why.getMessage(), why);
    }

    /** An answer that is an error: {@code code} is the HTTP status or the envelope's result_code. */
    public static ClearmlException answered(String call, int code, int subcode, String message) {
        var kind = code == 401 || code == 403 || code == 407 ? Kind.REFUSED
                : code >= 500 || code == 429 ? Kind.SERVER_ERROR
                : code >= 400 ? Kind.INVALID
                : Kind.UNREADABLE;
        var number = subcode == 0 ? Integer.toString(code) : code + "/" + subcode;
        return new ClearmlException(kind, call, code, subcode, call + ": " + number + " " + message, null);
    }

    public Kind kind() {
        return kind;
    }

    /** The call, such as {@code queues.get_all}. */
    public String call() {
        return call;
    }

    /** HTTP status of the answer; 0 if there was none. */
    public int code() {
        return code;
    }

    /** ClearML's own error number within {@link #code()}; 0 if it gave none. */
    public int subcode() {
        return subcode;
    }

    /** The server said no with this number: {@code is(400, 703)} is "task not queued". */
    public boolean is(int wantedCode, int wantedSubcode) {
        return code == wantedCode && subcode == wantedSubcode;
    }
}
