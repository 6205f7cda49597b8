package dev.muster.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.util.JsonFormat;

/** What documents are written with. Beside {@link Output}, so that a command that writes lines starts without it: it takes a tenth of a second. */
interface Documents {

    ObjectMapper JSON = new ObjectMapper();
    JsonFormat.Printer RESOURCES = JsonFormat.printer().alwaysPrintFieldsWithNoPresence();
}
