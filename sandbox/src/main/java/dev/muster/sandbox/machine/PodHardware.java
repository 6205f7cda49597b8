package dev.muster.sandbox.machine;

import java.util.Map;
import java.util.SortedMap;

/** A container as what starts in it sees it: a machine whose boot script is in its environment, and whose mark is an annotation of its pod. */
public interface PodHardware extends MachineImage.Hardware {

    /** What the container's {@code env} says, references resolved. */
    SortedMap<String, String> environment();

    /** What is mounted from secrets: file name to text. */
    SortedMap<String, String> secrets();

    /** Of the pod, as its node knows them now. */
    Map<String, String> annotations();

    /** The container's first process ends. Once only. */
    void exit(int code);

    /** A ClearML task has begun here. */
    void began(String task);

    /** A pod has no user-data. */
    @Override
    default String userData() {
        return "";
    }

    /** A pod is told what it needs by files. */
    @Override
    default String metadataUrl() {
        return "";
    }

    @Override
    default void powerOff() {
        exit(0);
    }
}
