/**
 * A stand-in for a Kubernetes cluster: an API server that keeps objects as a real one does, a scheduler, the controllers that a pod's life
 * needs, and nodes that run pods as simulated machines. The nodes work against any API server.
 */
package dev.muster.sandbox.k8s;
