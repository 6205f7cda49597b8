package dev.muster.cli;

import com.fasterxml.jackson.databind.ObjectMapper;

/** What documents that are no answers of the API are written with. Beside {@link Output}, so that a command that writes lines starts without it: it takes a tenth of a second. */
interface Documents {

    ObjectMapper JSON = new ObjectMapper();
}
