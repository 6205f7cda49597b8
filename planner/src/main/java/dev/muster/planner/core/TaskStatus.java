package dev.muster.planner.core;

/** ClearML's task states; UNKNOWN is a state that this release doesn't know. */
public enum TaskStatus { UNKNOWN, CREATED, QUEUED, IN_PROGRESS, STOPPED, PUBLISHED, PUBLISHING, CLOSED, FAILED, COMPLETED, NOT_FOUND }
