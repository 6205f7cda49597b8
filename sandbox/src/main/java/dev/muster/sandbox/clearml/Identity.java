package dev.muster.sandbox.clearml;

/** Who a call comes from. Queues and tasks belong to the company, a worker's entry to the user. */
record Identity(String user, String userName, String company, String companyName) {

    static final Identity NOBODY = new Identity("", "", "", "");
}
