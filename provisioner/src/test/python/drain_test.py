"""Every order in which a pop, a mark and the ends of guard, agent and machine can meet, with the guard's own gate in the middle.

    python3 drain_test.py GUARD.PY          plays them, as far as takes seconds; prints how many states there were
    python3 drain_test.py GUARD.PY all      and further: more faults in one play, more agents and tasks
    python3 drain_test.py GUARD.PY defects  gates with a defect each, every one of which must break something

One task's way through a pop is cut where something can come between: the request is sent, ClearML has taken the task from the queue, the
answer is on its way, the agent has it, the agent has told ClearML, the task is done. Whoever watches the queue puts back what is adrift.

What is assumed of time, and of nothing else: an agent that has a task tells ClearML so, or dies, before Muster takes that task for lost.
"""
import copy
import importlib.util
import sys
from collections import deque

spec = importlib.util.spec_from_file_location("guard", sys.argv[1])
guard = importlib.util.module_from_spec(spec)
spec.loader.exec_module(guard)
Gate = guard.Gate

# Where a task is, besides "runs <slot>".
WAITS, ADRIFT, DONE = "waits", "adrift", "done"
FAULTS = ("lost", "late", "guard", "agent", "cut")


class Broken(AssertionError):
    pass


class Pop:
    """A request for a task on its way. stage: sent, applied (the answer travels, with a task or without), settling."""

    def __init__(self, slot, agent):
        self.slot, self.agent = slot, agent
        self.stage, self.task, self.is_known = "sent", None, True
        # Known: the guard that forwarded it lives. Late: too late to be handed out or put back.
        self.is_late = False

    def key(self):
        return self.slot, self.agent, self.stage, self.task, self.is_known, self.is_late


class World:
    def __init__(self, new_gate, slots, tasks, faults, marks):
        """faults: how many may come in one play, each kind once; marks: how often the mark changes."""
        self.tasks = [WAITS] * tasks
        self.starts = [0] * tasks
        self.losses = [0] * tasks
        self.new_gate = new_gate
        self.gate = new_gate(slots)
        self.guard_lives = True
        self.machine = "on"
        # What each agent does: "idle", "asks", ("has", task), ("runs", task), "dead"; and how often it was started.
        self.agents = ["idle"] * slots
        self.lives = [0] * slots
        for slot in range(slots):
            self.gate.gone(slot)
        self.pops = []
        self.mark = ("none", 0)
        self.left = dict({fault: 1 for fault in FAULTS}, any=faults, mark=marks)

    def copy(self):
        other = copy.copy(self)
        other.tasks, other.starts, other.losses = self.tasks[:], self.starts[:], self.losses[:]
        other.agents, other.lives, other.left = self.agents[:], self.lives[:], dict(self.left)
        other.pops = [copy.copy(pop) for pop in self.pops]
        if self.gate:
            other.gate = copy.copy(self.gate)
            other.gate.shut, other.gate.holds, other.gate.asking = set(self.gate.shut), self.gate.holds[:], self.gate.asking[:]
        return other

    def key(self):
        gate = (frozenset(self.gate.shut), self.gate.ordinal, tuple(self.gate.holds), tuple(self.gate.asking)) if self.guard_lives else None
        return (tuple(self.tasks), tuple(self.starts), tuple(self.losses), gate, self.machine, tuple(self.agents), tuple(self.lives),
                tuple(sorted((pop.key() for pop in self.pops), key=str)), self.mark, tuple(self.left.items()))

    def may(self, fault):
        return self.left[fault] and self.left["any"]

    def spend(self, fault):
        self.left[fault] -= 1
        self.left["any"] -= 1

    # What can happen next: pairs of a name and what it does to a copy. Faults are told apart, since a play may end without one.

    def events(self):
        found = []
        on = self.machine == "on"
        for slot, does in enumerate(self.agents):
            if on and does == "idle" and self.guard_lives:
                found.append(("agent %d asks" % slot, False, lambda w, s=slot: w.ask(s)))
            if on and isinstance(does, tuple) and does[0] == "has":
                found.append(("agent %d starts task %d" % (slot, does[1]), False, lambda w, s=slot: w.start(s)))
            if on and isinstance(does, tuple) and does[0] == "runs":
                found.append(("agent %d completes task %d" % (slot, does[1]), False, lambda w, s=slot: w.complete(s)))
            if on and does == "dead" and self.guard_lives:
                found.append(("guard sees the end of agent %d" % slot, False, lambda w, s=slot: w.restart_agent(s)))
            if on and does != "dead" and self.may("agent"):
                found.append(("agent %d dies" % slot, True, lambda w, s=slot: w.kill_agent(s)))
        for i, pop in enumerate(self.pops):
            if pop.stage == "sent":
                found.append(("ClearML takes a pop of agent %d" % pop.slot, False, lambda w, i=i: w.apply(i)))
            elif pop.stage == "applied":
                found.append(("the answer reaches agent %d's door" % pop.slot, False, lambda w, i=i: w.answer(i)))
            elif pop.stage == "settling" and self.guard_lives and on:
                found.append(("guard has settled task %d" % pop.task, False, lambda w, i=i: w.settle(i)))
            if pop.stage != "settling" and self.may("lost"):
                found.append(("a pop of agent %d is lost" % pop.slot, True, lambda w, i=i: w.lose(i)))
            if pop.stage != "settling" and not pop.is_late and self.may("late"):
                found.append(("a pop of agent %d is late" % pop.slot, True, lambda w, i=i: w.delay(i)))
        if on and self.guard_lives:
            if self.mark[1] != (self.gate.ordinal or 0) or self.gate.ordinal is None:
                found.append(("guard reads " + self.mark[0], False, lambda w: w.read_mark()))
            if self.gate.may_end():
                found.append(("guard ends the machine", False, lambda w: w.end()))
            if self.may("guard"):
                found.append(("guard dies", True, lambda w: w.kill_guard()))
        if on and not self.guard_lives:
            found.append(("guard starts", False, lambda w: w.start_guard()))
        if on and self.left["mark"]:
            found.append(("marked" if self.mark[0] == "none" else "unmarked", True, lambda w: w.change_mark()))
        if on and self.may("cut"):
            found.append(("power is cut", True, lambda w: w.cut()))
        for task, where in enumerate(self.tasks):
            if self.is_lost(task, where):
                found.append(("task %d is rescued" % task, False, lambda w, t=task: w.rescue(t)))
        return found

    def is_lost(self, task, where):
        """As Muster judges: the runner's machine is gone or its agent has left; or it is adrift, and no fresh pop can bring it."""
        if where == ADRIFT:
            carried = any(pop.task == task and not pop.is_late and (pop.is_known or pop.stage == "settling") for pop in self.pops)
            held = self.machine == "on" and any(does == ("has", task) for does in self.agents)
            return not carried and not held
        if isinstance(where, tuple):
            _, slot, life = where
            return self.machine == "off" or self.lives[slot] != life or self.agents[slot] != ("runs", task)
        return False

    # Agents.

    def ask(self, slot):
        if self.gate.asks(slot):
            self.pops.append(Pop(slot, self.lives[slot]))
            self.agents[slot] = "asks"

    def start(self, slot):
        task = self.agents[slot][1]
        if self.tasks[task] != ADRIFT:
            raise Broken("task %d begins and was %s" % (task, self.tasks[task]))
        self.starts[task] += 1
        if self.starts[task] > self.losses[task] + 1:
            raise Broken("task %d begins twice" % task)
        self.tasks[task] = ("runs", slot, self.lives[slot])
        self.agents[slot] = ("runs", task)

    def complete(self, slot):
        self.tasks[self.agents[slot][1]] = DONE
        self.agents[slot] = "idle"

    def kill_agent(self, slot):
        self.spend("agent")
        self.lose_work(slot)
        self.agents[slot] = "dead"

    def lose_work(self, slot):
        does = self.agents[slot]
        if isinstance(does, tuple) and does[0] == "runs":
            self.losses[does[1]] += 1

    def restart_agent(self, slot):
        self.gate.gone(slot)
        if not self.gate.shut:
            self.lives[slot] += 1
            self.agents[slot] = "idle"
        else:
            self.agents[slot] = "gone"

    # ClearML and the way to it.

    def apply(self, i):
        pop = self.pops[i]
        pop.stage = "applied"
        if WAITS in self.tasks:
            pop.task = self.tasks.index(WAITS)
            self.tasks[pop.task] = ADRIFT

    def answer(self, i):
        pop = self.pops[i]
        if self.machine == "off" or not self.guard_lives or not pop.is_known:
            self.pops.pop(i)
            return
        is_there = not pop.is_late and self.agents[pop.slot] == "asks" and self.lives[pop.slot] == pop.agent
        is_taken = self.gate.answered(pop.slot, pop.task is not None, is_there)
        if is_taken:
            self.pops.pop(i)
            if is_there:
                self.agents[pop.slot] = "idle" if pop.task is None else ("has", pop.task)
            elif pop.task is not None:
                raise Broken("task %d is handed to nobody" % pop.task)
        else:
            pop.stage = "settling"
            if is_there:
                self.agents[pop.slot] = "idle"

    def settle(self, i):
        pop = self.pops.pop(i)
        if not pop.is_late:
            self.put_in_queue(pop.task)
        self.gate.settled(pop.slot)

    def put_in_queue(self, task):
        if self.tasks[task] != ADRIFT:
            raise Broken("task %d is put back and was %s" % (task, self.tasks[task]))
        self.tasks[task] = WAITS

    def lose(self, i):
        self.spend("lost")
        pop = self.pops.pop(i)
        if pop.is_known and self.guard_lives and self.machine == "on":
            self.gate.failed(pop.slot)
            self.wake(pop)

    def delay(self, i):
        self.spend("late")
        self.pops[i].is_late = True
        # By then its agent has given up, and asks again.
        self.wake(self.pops[i])

    def wake(self, pop):
        if self.agents[pop.slot] == "asks" and self.lives[pop.slot] == pop.agent:
            self.agents[pop.slot] = "idle"

    # The machine.

    def change_mark(self):
        self.left["mark"] -= 1
        self.mark = ("drain" if self.mark[0] == "none" else "none", self.mark[1] + 1)

    def read_mark(self):
        self.gate.marked(*self.mark)

    def kill_guard(self):
        self.spend("guard")
        self.guard_lives = False
        self.gate = None
        for pop in self.pops:
            pop.is_known = False
            self.wake(pop)
        # What it was putting back is adrift, or was put back; both are found.
        self.pops = [pop for pop in self.pops if pop.stage != "settling"]

    def start_guard(self):
        self.guard_lives = True
        self.gate = self.new_gate(len(self.agents))

    def end(self):
        for slot, does in enumerate(self.agents):
            if isinstance(does, tuple) and (does[0] == "has" or self.tasks[does[1]] == ("runs", slot, self.lives[slot])):
                raise Broken("the machine ends and an agent %s task %d" % does)
        if any(pop.is_known and pop.task is not None and not pop.is_late for pop in self.pops):
            raise Broken("the machine ends while a pop brings a task")
        self.off()

    def cut(self):
        self.spend("cut")
        for slot in range(len(self.agents)):
            self.lose_work(slot)
        self.off()

    def off(self):
        self.machine = "off"
        self.guard_lives = False
        self.gate = None
        self.agents = ["dead"] * len(self.agents)
        for pop in self.pops:
            pop.is_known = False
        self.pops = [pop for pop in self.pops if pop.stage != "settling"]

    def rescue(self, task):
        self.tasks[task] = WAITS

    def is_well(self):
        """Nothing is lost: each task is done, or waits for whoever takes it."""
        return all(where in (WAITS, DONE) for where in self.tasks)


def play(slots, tasks, faults, marks, new_gate=Gate):
    """Breadth first, so that a play that breaks something is a shortest one."""
    first = World(new_gate, slots, tasks, faults, marks)
    seen = {first.key(): None}
    # State -> those from which it is reached without another fault.
    before = {}
    well = []
    waiting = deque([(first, first.key())])
    steps = 0
    while waiting:
        world, key = waiting.popleft()
        if world.is_well():
            well.append(key)
        for name, is_fault, happen in world.events():
            after = world.copy()
            steps += 1
            try:
                happen(after)
            except Broken as broken:
                raise Broken("%s:\n  %s" % (broken, "\n  ".join(path(seen, key) + [name]))) from None
            next_key = after.key()
            if not is_fault:
                before.setdefault(next_key, []).append(key)
            if next_key not in seen:
                seen[next_key] = (key, name)
                waiting.append((after, next_key))
    ends = set(well)
    while well:
        for key in before.get(well.pop(), ()):
            if key not in ends:
                ends.add(key)
                well.append(key)
    for key in seen:
        if key not in ends:
            raise Broken("a task is lost for ever after:\n  " + "\n  ".join(path(seen, key)))
    print("%d agent(s), %d task(s), up to %d faults, %d changes of the mark: %d states, %d steps" % (slots, tasks, faults, marks, len(seen), steps))


def path(seen, key):
    names = []
    while seen[key]:
        key, name = seen[key]
        names.append(name)
    return names[::-1]


class ForgetsPopsUnderWay(Gate):
    def may_end(self):
        return bool(self.shut) and all(held == Gate.FREE for held in self.holds)


class ForgetsWhatItHandedOut(Gate):
    def answered(self, slot, has_task, is_there):
        is_taken = Gate.answered(self, slot, has_task, is_there)
        self.holds[slot] = Gate.FREE
        return is_taken


class TakesTheUnknownForFree(Gate):
    def __init__(self, slots):
        Gate.__init__(self, slots)
        self.holds = [Gate.FREE] * slots


class HandsOutToTheDead(Gate):
    def answered(self, slot, has_task, is_there):
        return Gate.answered(self, slot, has_task, True)


def main(how):
    if how == "defects":
        for defect in (ForgetsPopsUnderWay, ForgetsWhatItHandedOut, TakesTheUnknownForFree, HandsOutToTheDead):
            for plan in SHORT:
                try:
                    play(*plan, new_gate=defect)
                except Broken as broken:
                    print("%s: %s" % (defect.__name__, str(broken).partition(":")[0]))
                    break
            else:
                raise SystemExit(defect.__name__ + " breaks nothing")
        return
    for plan in SHORT + (LONG if how == "all" else ()):
        try:
            play(*plan)
        except Broken as broken:
            raise SystemExit(str(broken))


# Agents, tasks, faults in one play, changes of the mark.
SHORT = ((1, 1, 2, 1), (1, 2, 1, 1), (2, 1, 1, 1))
LONG = ((1, 1, 2, 3), (1, 1, 3, 1), (1, 2, 1, 2), (2, 1, 1, 2), (2, 2, 1, 1))

if __name__ == "__main__":
    main("".join(sys.argv[2:]))
