import { EventEmitter } from "node:events";

const emitters = new Set<WeakRef<EventEmitter>>();
const known = new WeakSet<EventEmitter>();

/** From now on each emitter that somebody listens to is remembered. */
export function watchListeners(): void {
  const prototype = EventEmitter.prototype as unknown as Record<string, Method>;
  for (const name of ["on", "addListener", "prependListener"]) {
    const method = prototype[name]!;
    prototype[name] = function (...args) {
      if (!known.has(this)) emitters.add(new WeakRef(this));
      known.add(this);
      return method.apply(this, args);
    };
  }
}

type Method = (this: EventEmitter, ...args: unknown[]) => unknown;

/** How many listeners those emitters have that are still there; what can be collected should have been. */
export function countListeners(): number {
  let count = 0;
  for (const reference of emitters) {
    const emitter = reference.deref();
    if (emitter) count += emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
    else emitters.delete(reference);
  }
  return count;
}
