"""Lists the mistakes that `tests.mutants` makes in Tandem, one at a time. A new rule gets a row here."""

from __future__ import annotations

from dataclasses import dataclass

from tests.affected import LAYER

TANDEM = f"{LAYER}tandem"
FAILOVER, PROVISIONING = f"{TANDEM}/failover", f"{TANDEM}/provisioning"
COMPLIANCE = f"{TANDEM}/compliance"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake that a careless engineer could make."""

    name: str
    rule: str
    """The rule that it breaks."""
    file: str
    old: str
    """The text to replace, which occurs once in the file."""
    new: str


MUTANTS = (
    # decision: who gets an address
    Mutant(
        "decision-doubt",
        "A holder that is alive keeps its address while the FIB is in doubt.",
        f"{FAILOVER}/addresses.py",
        "if owner.doubts and not move.dead:",
        "if owner.doubts and move.dead:",
    ),
    Mutant(
        "decision-session",
        "An owner without a session with BGP up gets no address.",
        f"{FAILOVER}/routeserver.py",
        "tuple(n for n in candidates if has_session(self.topology.appliances[n], self.observation))",
        "candidates",
    ),
    Mutant(
        "decision-unready",
        "No address goes to an appliance that its ownership source calls unready.",
        f"{FAILOVER}/addresses.py",
        "unready = None if owner.forced else given.source.why_unready(chosen, spec.allocation_id)",
        "unready = None",
    ),
    Mutant(
        "decision-stranger",
        "Not even a forced pin takes an address from an interface that no appliance declares.",
        f"{FAILOVER}/addresses.py",
        "if move.holder and move.holder_appliance is None:",
        "if move.holder and move.holder_appliance is None and not owner.forced:",
    ),
    Mutant(
        "decision-forced",
        "A forced pin needs no session with BGP up.",
        f"{FAILOVER}/deciding.py",
        "None if override.forced else given.source.why_pin_waits(pinned, pin)",
        "given.source.why_pin_waits(pinned, pin)",
    ),
    Mutant(
        "decision-dead-is-damped",
        "An address leaves a dead holder undamped.",
        f"{FAILOVER}/addresses.py",
        "return None if dead else _restraint(held, given)",
        "return _restraint(held, given)",
    ),
    Mutant(
        "decision-within",
        "An address on the owner's wrong private IP is damped only where it had been put right.",
        f"{FAILOVER}/addresses.py",
        "(is_within and not was_put_there(given.memory, owner, address))",
        "(is_within and was_put_there(given.memory, owner, address))",
    ),
    Mutant(
        "decision-split",
        "An address stays with an appliance that owns a part of the tracked prefixes.",
        f"{FAILOVER}/addresses.py",
        "chosen = at if at in owner.candidates else next(iter(owner.candidates))",
        "chosen = next(iter(owner.candidates))",
    ),
    Mutant(
        "decision-displacement",
        "A move throws no address off that stays where it is.",
        f"{FAILOVER}/addresses.py",
        "leaving = {move.allocation_id for move in wished if move.action is Action.MOVE}",
        "leaving = {move.allocation_id for move in wished}",
    ),
    Mutant(
        "decision-reassociation",
        "An address that nobody has is moved without AllowReassociation.",
        f"{FAILOVER}/moves.py",
        "return self.source is not None",
        "return True",
    ),
    Mutant(
        "override-end",
        "An override ends by itself.",
        f"{TANDEM}/state/override.py",
        "if o.group in (None, group) and now < o.until]",
        "if o.group in (None, group)]",
    ),
    Mutant(
        "override-pause",
        "A pause beats a pin.",
        f"{TANDEM}/state/override.py",
        "(o.kind is not OverrideKind.PAUSED, o.group is None)",
        "(o.group is None, o.kind is not OverrideKind.PAUSED)",
    ),
    # stored records
    Mutant(
        "decoding-recursion",
        "JSON that is nested too deep is damage like any other.",
        f"{TANDEM}/state/decoding.py",
        "    RecursionError,\n",
        "",
    ),
    Mutant(
        "decoding-deep",
        "JSON that only later code could not walk through is damaged as well.",
        f"{TANDEM}/state/decoding.py",
        "DEEPEST = 100",
        "DEEPEST = 10_000",
    ),
    Mutant(
        "decoding-unicode",
        "What is no Unicode is damaged, also where JSON spells it as an escape.",
        f"{TANDEM}/state/decoding.py",
        "if _LONE_SURROGATE.search(source):",
        "if False:",
    ),
    Mutant(
        "decoding-zone",
        "A time without a zone is UTC.",
        f"{TANDEM}/state/decoding.py",
        "_aware(datetime.fromisoformat(str(source)))",
        "datetime.fromisoformat(str(source))",
    ),
    Mutant(
        "decoding-types",
        "A document of the wrong types is damaged before anybody goes by it.",
        f"{TANDEM}/adapters/topologies.py",
        'return cast(Topology, fitted(Topology, topology, "document"))',
        "return topology",
    ),
    Mutant(
        "record-anew",
        "Where the begin of a creation cannot be read, nothing that makes a route server goes by the record.",
        f"{TANDEM}/state/record.py",
        'ANEW = ("as_declared_at", "waits_since", "codes")',
        'ANEW = ("as_declared_at", "waits_since", "codes", "server_begun_at")',
    ),
    Mutant(
        "override-damaged",
        "An override that cannot be read holds, whatever its action said.",
        f"{TANDEM}/adapters/overrides.py",
        "    if not wrong:\n",
        "    if not wrong or kind is OverrideKind.PINNED:\n",
    ),
    Mutant(
        "override-pages",
        "Every page of the overrides is read.",
        f"{TANDEM}/adapters/overrides.py",
        'if "LastEvaluatedKey" not in page:',
        "if page:",
    ),
    Mutant(
        "override-unread",
        "A later page of overrides that cannot be read holds.",
        f"{TANDEM}/adapters/overrides.py",
        "return (*found, self._unread(topology, str(error)))",
        "return tuple(found)",
    ),
    Mutant(
        "request-answer",
        "A request that mends its damaged record keeps the answer that was decided.",
        f"{TANDEM}/adapters/requests.py",
        '        "answer": lambda: shaped(Answer, json_of(old, "answer")),\n',
        "",
    ),
    Mutant(
        "audit-unread",
        "A trail of which no record has a place counts as away.",
        f"{TANDEM}/adapters/audits.py",
        'if page["Items"] and not found:',
        "if False:",
    ),
    Mutant(
        "memory-damping",
        "A move that cannot be read damps as if made now.",
        f"{TANDEM}/state/memory.py",
        'UNKNOWN = {"owner": "unknown", "at": datetime.max.replace(tzinfo=UTC)}',
        'UNKNOWN = {"owner": "unknown", "at": datetime.min.replace(tzinfo=UTC)}',
    ),
    # standbys: what people are told, and no decision knows
    Mutant(
        "standby-decides",
        "No decision depends on what is known of a standby.",
        f"{FAILOVER}/deciding.py",
        "        for group in topology.groups\n",
        "        for group in topology.groups if not memory.episodes\n",
    ),
    Mutant(
        "standby-silent",
        "A silent appliance is never reported.",
        f"{FAILOVER}/standbys.py",
        "if appliance.standby is Standby.SILENT:",
        "if appliance.standby is None:",
    ),
    Mutant(
        "standby-active",
        "A dead appliance that is active, or the last one, is a move or a hold.",
        f"{FAILOVER}/standbys.py",
        "counts = is_anybody_alive and not is_active(name, scene)",
        "counts = True",
    ),
    Mutant(
        "standby-never-up",
        "An appliance that never came up has half an hour.",
        f"{FAILOVER}/standbys.py",
        "grace = GRACE if was_up else LONG_GRACE",
        "grace = GRACE",
    ),
    Mutant(
        "standby-recalled",
        "The audit trail says what was told, where the memory does not.",
        f"{FAILOVER}/recall.py",
        'in _latest(newest_first, RecordKind.FINDING, "findings", _finding).items():',
        'in _latest((), RecordKind.FINDING, "findings", _finding).items():',
    ),
    Mutant(
        "pins-recalled",
        "A pin whose look died is recorded and told once.",
        f"{FAILOVER}/recall.py",
        'in _latest(newest_first, RecordKind.OVERRIDE, "overrides", _pin).items():',
        'in _latest((), RecordKind.OVERRIDE, "overrides", _pin).items():',
    ),
    Mutant(
        "standby-unread",
        "A session that cannot be read makes nobody dead.",
        f"{FAILOVER}/vitality.py",
        "== PENDING for peer in sessions) or unread_session(appliance, observation):",
        "== PENDING for peer in sessions):",
    ),
    Mutant(
        "standby-bfd",
        "BFD that is down beside a route that is there is no death.",
        f"{FAILOVER}/vitality.py",
        "return peer.bfd is not Status.DOWN or has_routes or bool(database.unread)",
        "return peer.bfd is not Status.DOWN",
    ),
    Mutant(
        "standby-moves-first",
        "A look that moves tells of no standby.",
        f"{FAILOVER}/findings.py",
        "may_tell = not is_moving and not run.is_late()",
        "may_tell = not run.is_late()",
    ),
    Mutant(
        "standby-written-first",
        "What the audit trail did not take is not remembered as told.",
        f"{FAILOVER}/findings.py",
        "    if found:  # it is told",
        "    run.remember(memory)\n    if found:  # it is told",
    ),
    Mutant(
        "episode-grace",
        "What is over again within its time is not told.",
        f"{TANDEM}/state/episodes.py",
        "if may_tell and now - before.counts_from >= sight.grace:",
        "if may_tell:",
    ),
    Mutant(
        "episode-flaps",
        "What was told and flaps is one episode.",
        f"{TANDEM}/state/episodes.py",
        "if may_tell and now - over_since >= GRACE:",
        "if may_tell:",
    ),
    Mutant(
        "episode-declared-anew",
        "An appliance that is declared anew has all its time again.",
        f"{TANDEM}/state/episodes.py",
        "if before is None or (not before.told and before.about != sight.about):",
        "if before is None:",
    ),
    # discovery
    Mutant(
        "discovery-gateway",
        "An Elastic IP beside an internet gateway has its targets beside one.",
        "cli/discovery/groups.py",
        "if is_bound and interface.subnet_id not in (snapshot.public_subnets or ()):",
        "if False:",
    ),
    Mutant(
        "discovery-index",
        "Of several addresses the one on the interface of the same device index is the target.",
        "cli/discovery/groups.py",
        "return alike or every",
        "return every",
    ),
    Mutant(
        "discovery-blackhole",
        "A route to an internet gateway that is gone leads nowhere.",
        f"{TANDEM}/adapters/vpcrows.py",
        'route.get("State", "active") == "active" and ',
        "",
    ),
    # what cannot be read of AWS
    Mutant(
        "unknown-address",
        "An Elastic IP that cannot be read holds, and is not called released.",
        f"{FAILOVER}/addresses.py",
        "unread = observation.unknown.elastic_ips.get(spec.allocation_id)",
        "unread = None",
    ),
    Mutant(
        "unknown-instance",
        "An instance that cannot be read is no reason to call its appliance dead.",
        f"{FAILOVER}/appliances.py",
        "if id_ is None or states is None or id_ in observation.unknown.instances:",
        "if id_ is None or states is None:",
    ),
    Mutant(
        "unknown-peer",
        "A peer that cannot be read is no reason to call its appliance dead.",
        f"{FAILOVER}/routeserver.py",
        "has_session(appliance, self.observation) and self._unread(appliance) is None:",
        "has_session(appliance, self.observation):",
    ),
    Mutant(
        "unknown-interface",
        "An address that another interface shows is nobody's who only declares it.",
        f"{FAILOVER}/sessions.py",
        "return own | (declared - _shown_on(interfaces))",
        "return own | declared",
    ),
    Mutant(
        "unknown-anonymous",
        "A row that does not say what it is about may be any that is missing.",
        f"{TANDEM}/adapters/rows.py",
        "if anonymous is not None:",
        "if False:",
    ),
    Mutant(
        "unknown-list",
        "An answer without its list is no empty one.",
        f"{TANDEM}/adapters/ec2reads.py",
        "    if not isinstance(found, list):\n",
        "    if found is None:\n        return []\n    if not isinstance(found, list):\n",
    ),
    Mutant(
        "brake-bug",
        "A change of the mode is stored whatever fails.",
        f"{TANDEM}/requests/applying.py",
        "except Exception as error:  # noqa: BLE001 - whatever fails, the mode changes",
        "except TandemError as error:",
    ),
    Mutant(
        "refresh-bug",
        "A topology at which Tandem fails keeps no other waiting.",
        f"{PROVISIONING}/refreshing.py",
        "except Exception as error:  # noqa: BLE001 - it is this topology's failure alone",
        "except TemporaryError as error:",
    ),
    Mutant(
        "request-bug",
        "A stack request at which Tandem fails is answered.",
        f"{TANDEM}/requests/answering.py",
        "            if not left:\n",
        "            if left > TRIES:\n",
    ),
    Mutant(
        "answers-together",
        "Answers to CloudFormation go out side by side.",
        f"{TANDEM}/requests/answering.py",
        "ThreadPoolExecutor(max_workers=_MOST_AT_ONCE)",
        "ThreadPoolExecutor(max_workers=1)",
    ),
    Mutant(
        "consent-new-tag",
        "A tag that IAM does not see yet is waited for.",
        f"{TANDEM}/provisioning/manageapply.py",
        "if not may_pass(error) and not (is_new and error.code == UNAUTHORIZED):",
        "if not may_pass(error):",
    ),
    Mutant(
        "passing-sns",
        "What SNS refuses for now is waited for.",
        f"{PROVISIONING}/listening.py",
        "if f is not None and not isinstance(f, PassingError)",
        "if f is not None",
    ),
    # ownership, readiness, settling
    Mutant(
        "ownership-rib",
        "Only a route in the FIB says who owns a prefix.",
        f"{TANDEM}/model.py",
        "if r.prefix in prefixes and r.status is RouteStatus.IN_FIB)",
        "if r.prefix in prefixes)",
    ),
    Mutant(
        "ownership-installed",
        "One route table with the route is enough.",
        f"{FAILOVER}/fib.py",
        "return any(i.status is InstallationStatus.INSTALLED",
        "return all(i.status is InstallationStatus.INSTALLED",
    ),
    Mutant(
        "ownership-veto",
        "A holder that is alive keeps its address while the route is in no route table.",
        f"{FAILOVER}/fib.py",
        "PrefixOwner(prefix, named[0], _not_installed(row), veto=True)",
        "PrefixOwner(prefix, named[0], _not_installed(row), veto=False)",
    ),
    Mutant(
        "ownership-gone",
        "An appliance whose instance is gone is dead.",
        f"{FAILOVER}/appliances.py",
        'return states.get(id_, "gone")',
        "return states.get(id_)",
    ),
    Mutant(
        "readiness-auto-assigned",
        "A move releases no auto-assigned public address.",
        f"{FAILOVER}/readiness.py",
        "if address.public_ip is not None and address.allocation_id is None:",
        "if address.public_ip is None and address.allocation_id is None:",
    ),
    Mutant(
        "readiness-unread",
        "With a dead holder, interfaces that cannot be read stop no move.",
        f"{FAILOVER}/readiness.py",
        "return None if dead else reason(HoldCode.INTERFACES_UNREADABLE",
        "return reason(HoldCode.INTERFACES_UNREADABLE",
    ),
    Mutant(
        "readiness-attachment",
        "A target's interface is attached, and not on its way.",
        f"{FAILOVER}/readiness.py",
        'interface.attachment not in (None, "attached"):',
        'interface.attachment == "detached":',
    ),
    Mutant(
        "settling-order",
        "A signal that is older than another of its session says nothing any more.",
        f"{FAILOVER}/settling.py",
        "times[session] = max(times.get(session, at), at)",
        "times[session] = at",
    ),
    Mutant(
        "settling-second-read",
        "Only a second reading, equal to the first, is believed after a session signal.",
        f"{FAILOVER}/settling.py",
        "if previous is None or _view(previous, topology)",
        "if previous is not None and _view(previous, topology)",
    ),
    Mutant(
        "settling-same-second",
        "Of two signals of the same second that disagree, either may be the later one.",
        f"{FAILOVER}/settling.py",
        "return at > before or (at == before and came.status is not waited.status)",
        "return at > before",
    ),
    Mutant(
        "settling-maintenance",
        "A look does not wait for sessions whose endpoint's maintenance was announced.",
        f"{FAILOVER}/settling.py",
        "if s.kind is SignalKind.SESSION and _counts(s, newest, began) and s.peer_id not in announced",
        "if s.kind is SignalKind.SESSION and _counts(s, newest, began)",
    ),
    # memory: damping, contest
    Mutant(
        "memory-flapping",
        "A run of flapping ends with a gap of two minutes between two moves.",
        f"{TANDEM}/state/memory.py",
        "past[-run].at - past[-run - 1].at < FLAP_WINDOW",
        "past[-1].at - past[-run - 1].at < FLAP_WINDOW",
    ),
    Mutant(
        "memory-future",
        "A move in the future damps no longer than one of now.",
        f"{TANDEM}/state/memory.py",
        "until = min(past[-1].at, now) + wait",
        "until = past[-1].at + wait",
    ),
    Mutant(
        "memory-unfinished",
        "To finish a move that EC2 has not shown waits for nothing.",
        f"{TANDEM}/state/memory.py",
        "if not past or (past[-1].owner == owner and subject in past[-1].pending):",
        "if not past or (past[-1].owner == owner and subject in past[-1].verified):",
    ),
    Mutant(
        "memory-contest",
        "Three moves of an address to the same owner are a contest.",
        f"{TANDEM}/state/memory.py",
        "return times if times >= _CONTESTED_AFTER else None",
        "return times if times > _CONTESTED_AFTER else None",
    ),
    Mutant(
        "memory-contest-verified",
        "A move that EC2 never showed is no part of a contest.",
        f"{TANDEM}/state/memory.py",
        "sum(subject in m.verified and now - m.at < _CONTEST_WINDOW for m in came)",
        "sum(now - m.at < _CONTEST_WINDOW for m in came)",
    ),
    # lease
    Mutant(
        "lease-margin",
        "A lease is over only when its end has passed by more than clocks differ.",
        f"{TANDEM}/state/lease.py",
        "return until < now - CLOCK_MARGIN",
        "return until < now + CLOCK_MARGIN",
    ),
    Mutant(
        "lease-enough",
        "No move begins that may outlast the lease.",
        f"{TANDEM}/state/lease.py",
        "return self.until - now >= ENOUGH",
        "return self.until > now",
    ),
    Mutant(
        "lease-epoch",
        "Each lease has an epoch of its own.",
        f"{TANDEM}/adapters/leases.py",
        'counted = "epoch = if_not_exists(epoch, :zero) + :one"',
        'counted = "epoch = if_not_exists(epoch, :one) + :zero"',
    ),
    Mutant(
        "lease-lost",
        "A look whose lease another one has taken over writes nothing any more.",
        f"{TANDEM}/adapters/leases.py",
        'condition = "epoch = :epoch AND lease_owner = :owner"\n'
        "        try:\n"
        "            return dict(\n"
        "                with_second_try(\n"
        "                    lambda: clients.dynamodb().update_item(\n"
        "                        TableName=self.table,\n"
        "                        Key=self._key(lease.topology),\n"
        "                        UpdateExpression=update,\n"
        '                        ConditionExpression=f"{condition} AND {also}" if also else condition,\n'
        "                        ExpressionAttributeValues={\n"
        '                            ":epoch": {"N": str(lease.epoch)},\n'
        '                            ":owner": {"S": lease.owner},\n',
        'condition = "epoch >= :epoch"\n'
        "        try:\n"
        "            return dict(\n"
        "                with_second_try(\n"
        "                    lambda: clients.dynamodb().update_item(\n"
        "                        TableName=self.table,\n"
        "                        Key=self._key(lease.topology),\n"
        "                        UpdateExpression=update,\n"
        '                        ConditionExpression=f"{condition} AND {also}" if also else condition,\n'
        "                        ExpressionAttributeValues={\n"
        '                            ":epoch": {"N": str(lease.epoch)},\n',
    ),
    Mutant(
        "lease-taken-twice",
        "Of two looks that find the same lease over, one takes it.",
        f"{TANDEM}/adapters/leaserows.py",
        'return "lease_until = :seen", {":seen": held["lease_until"]}',
        'return "attribute_exists(lease_until)", {}',
    ),
    Mutant(
        "lease-mark",
        "A lease is not released while somebody asks to look again.",
        f"{TANDEM}/adapters/leases.py",
        '                    "attribute_not_exists(look_again)",\n',
        "",
    ),
    Mutant(
        "lease-fence",
        "The epoch is proven before the first batch too.",
        f"{FAILOVER}/turn.py",
        "    run.fence(memory)\n    return left",
        "    if number:\n        run.fence(memory)\n    return left",
    ),
    # the look and its trail
    Mutant(
        "look-signals",
        "A look follows for signals that came meanwhile.",
        f"{FAILOVER}/look.py",
        "if not came and run.release():",
        "if run.release():",
    ),
    Mutant(
        "look-leaving",
        "Nothing moves for a topology that is being deleted.",
        f"{FAILOVER}/run.py",
        "record is None or record.is_leaving or record.version",
        "record is None or record.version",
    ),
    Mutant(
        "look-time",
        "No move begins that may outlast the invocation.",
        f"{FAILOVER}/run.py",
        "self.lease.is_enough(self.world.clock.now()) and not self.is_late()",
        "self.lease.is_enough(self.world.clock.now())",
    ),
    Mutant(
        "intent-after-move",
        "The intent is written before the first move.",
        f"{FAILOVER}/turn.py",
        "    progress = _announce(run, progress, decisions, signals, at)\n"
        "    before = progress.memory\n"
        "    memory = _remembering(before, planned, at)\n"
        "    with _beside(run, run.trail.notify):\n"
        "        done = carry_out(\n"
        "            planned,\n"
        "            run.world.cloud,\n"
        "            run.world.clock,\n"
        "            partial(_before_batch, run, progress, memory),\n"
        "            run.may_move,\n"
        "        )\n",
        "    before = progress.memory\n"
        "    memory = _remembering(before, planned, at)\n"
        "    done = carry_out(\n"
        "        planned,\n"
        "        run.world.cloud,\n"
        "        run.world.clock,\n"
        "        partial(_before_batch, run, progress, memory),\n"
        "        run.may_move,\n"
        "    )\n"
        "    progress = _announce(run, progress, decisions, signals, at)\n"
        "    run.trail.notify()\n",
    ),
    Mutant(
        "memory-after-move",
        "The moves are in the memory before they begin.",
        f"{FAILOVER}/turn.py",
        "            partial(_before_batch, run, progress, memory),\n",
        "            partial(_before_batch, run, progress, before),\n",
    ),
    Mutant(
        "acting-bucket",
        "A later batch waits for EC2's refill.",
        f"{FAILOVER}/acting.py",
        "            clock.sleep(REFILL_SECONDS)\n",
        "",
    ),
    Mutant(
        "acting-verified",
        "A move is verified where EC2 shows the address at its target.",
        f"{FAILOVER}/moves.py",
        "if moved.outcome is not Outcome.UNVERIFIED or not shows(moved.move, address):",
        "if moved.outcome is not Outcome.UNVERIFIED or address is None:",
    ),
    Mutant(
        "trail-late",
        "A late record that ends an intent is its only end.",
        f"{FAILOVER}/trail.py",
        'if intent is not None and str(intent.body.get("decision_id")) not in written:',
        "if intent is not None:",
    ),
    Mutant(
        "trail-told-twice",
        "People are told of a record once.",
        f"{FAILOVER}/trail.py",
        "record.number <= memory.told",
        "record.number < memory.told",
    ),
    Mutant(
        "holds-reason",
        "People are told of a hold whose reason has changed.",
        f"{FAILOVER}/holds.py",
        "return not known.codes or known.codes == decision.identity",
        "return True",
    ),
    Mutant(
        "holds-addresses",
        "One address more that is held is another hold.",
        f"{FAILOVER}/decision.py",
        "for about in (one.subject, a.subject)",
        "for about in (one.subject,)",
    ),
    Mutant(
        "moves-in-vain",
        "A retry of moves that failed, which people know, is no news.",
        f"{FAILOVER}/turn.py",
        "return all(address.subject in in_vain for address in decision.moves)",
        "return False",
    ),
    Mutant(
        "codes-of-the-trail",
        "A failed move of the release before is retried without a notification.",
        f"{FAILOVER}/recall.py",
        "    memory = with_codes(memory, newest_first)\n",
        "",
    ),
    # audit
    Mutant(
        "audit-previous",
        "The hash of a record covers the hash of the one before.",
        f"{TANDEM}/audit.py",
        r'f"{sequence}\n{number}\n{previous}\n{body}"',
        r'f"{sequence}\n{number}\n{body}"',
    ),
    Mutant(
        "audit-gap",
        "A record that was cut out shows.",
        f"{TANDEM}/audit.py",
        "if after.number != before.number + 1:",
        "if after.number <= before.number:",
    ),
    Mutant(
        "audit-contended",
        "A record whose number another writer took is written after it.",
        f"{TANDEM}/adapters/audits.py",
        "newest[0].hash == record.hash or is_closed(body, newest)",
        "newest[0].number == record.number",
    ),
    Mutant(
        "audit-closed-twice",
        "An intent that another look has closed meanwhile is not closed again.",
        f"{TANDEM}/adapters/audits.py",
        " or is_closed(body, newest)",
        "",
    ),
    # without the table
    Mutant(
        "tableless-dry-run",
        "A dry run moves nothing, also without the table.",
        f"{FAILOVER}/tableless.py",
        "if known is None or self.topology.mode is Mode.DRY_RUN or not",
        "if known is None or not",
    ),
    Mutant(
        "tableless-stale",
        "Without the table, overrides that were read five minutes ago are not known.",
        f"{FAILOVER}/lastknown.py",
        "if known is None or now - known[1] >= FRESH:",
        "if known is None:",
    ),
    Mutant(
        "tableless-alive",
        "Without the table, nothing is moved away from a holder that is alive.",
        f"{FAILOVER}/tableless.py",
        "tuple(a for a in d.moves if a.dead)",
        "d.moves",
    ),
    Mutant(
        "tableless-unclear",
        "Without the table, nothing is moved by a FIB that is not clear.",
        f"{FAILOVER}/tableless.py",
        "(d for d in decisions if d.clear)",
        "decisions",
    ),
    # signals
    Mutant(
        "signals-bfd",
        "The status of a BFD message is read from its own attribute.",
        f"{TANDEM}/signals/signal.py",
        '(Protocol.BFD, "newBfdStatus")',
        '(Protocol.BFD, "newBgpStatus")',
    ),
    Mutant(
        "signals-case",
        "A status is understood in upper and in lower case.",
        f"{TANDEM}/signals/signal.py",
        "folded = str(text).strip().lower()",
        "folded = str(text).strip()",
    ),
    Mutant(
        "signals-no-topic",
        "A message without a topic concerns no topology.",
        f"{TANDEM}/signals/intake.py",
        "return signal.topic_arn is not None and signal.topic_arn ==",
        "return signal.topic_arn ==",
    ),
    Mutant(
        "signals-peer-log-time",
        "The time in a peer log is in milliseconds.",
        f"{TANDEM}/signals/peerlogs.py",
        "return _EPOCH + timedelta(milliseconds=milliseconds)",
        "return _EPOCH + timedelta(seconds=milliseconds)",
    ),
    Mutant(
        "signals-untracked",
        "A prefix that no group tracks wakes nothing.",
        f"{TANDEM}/signals/intake.py",
        "if not _is_logged_route(s) or s.prefix in tracked[r.topology.name]]",
        "if not _is_logged_route(s) or tracked[r.topology.name]]",
    ),
    Mutant(
        "signals-leak-before-drop",
        "Leaks are judged before untracked prefixes are dropped.",
        f"{TANDEM}/signals/intake.py",
        "leaks((s for s, r in pairs if r is record), record)",
        "leaks((s for s, r in wanted if r is record), record)",
    ),
    Mutant(
        "signals-one-per-topology",
        "A batch makes one route change for each topology, not one for all.",
        f"{TANDEM}/signals/intake.py",
        "key = (record.topology.name, signal.prefix) if",
        "key = signal.prefix if",
    ),
    Mutant(
        "signals-newest-route",
        "Of several records about one prefix the newest is forwarded.",
        f"{TANDEM}/signals/intake.py",
        "key=lambda one: one[0].occurred_at or _LONG_AGO)",
        "key=lambda one: _LONG_AGO)",
    ),
    Mutant(
        "signals-repeated",
        "An event that a batch repeats is put on the bus once.",
        f"{TANDEM}/signals/intake.py",
        "kept.setdefault((made.detail_type, same), made)",
        "kept.setdefault((made.detail_type, same, str(len(kept))), made)",
    ),
    Mutant(
        "signals-as-path",
        "An AS path that is none costs only the path.",
        f"{TANDEM}/signals/peerlogs.py",
        "_AS_PATH.fullmatch(text) if",
        "re.fullmatch('(?s).*', text) if",
    ),
    Mutant(
        "signals-unpacked",
        "No more than 16 MB of a log delivery are unpacked.",
        f"{TANDEM}/signals/peerlogs.py",
        "base64.b64decode(str(data)), MOST_BYTES + 1)",
        "base64.b64decode(str(data)))",
    ),
    Mutant(
        "signals-cut-delivery",
        "A log delivery that is cut is not read.",
        f"{TANDEM}/signals/peerlogs.py",
        "if unpacking.eof and len(text) <= MOST_BYTES:",
        "if len(text) <= MOST_BYTES:",
    ),
    Mutant(
        "signals-surrogates",
        "A lone surrogate in an event of AWS keeps no look from being asked for.",
        f"{TANDEM}/signals/intake.py",
        "return () if signal is None else (utf8(signal),)",
        "return () if signal is None else (signal,)",
    ),
    Mutant(
        "signals-refused-unknown",
        "What no stored topology knows is refused, not an unknown shape.",
        f"{TANDEM}/signals/intake.py",
        "if not s.known and (id(s) in heard or s.origin not in _REFUSED))",
        "if not s.known)",
    ),
    Mutant(
        "leak-withdrawn",
        "A withdrawal is no leak.",
        f"{TANDEM}/signals/leaks.py",
        "frozenset({RouteEvent.ADVERTISED, RouteEvent.UPDATED})",
        "frozenset(RouteEvent)",
    ),
    Mutant(
        "leak-updated",
        "An update announces a prefix too.",
        f"{TANDEM}/signals/leaks.py",
        "frozenset({RouteEvent.ADVERTISED, RouteEvent.UPDATED})",
        "frozenset({RouteEvent.ADVERTISED})",
    ),
    Mutant(
        "leak-empty-list",
        "An empty list allows nothing.",
        f"{TANDEM}/signals/leaks.py",
        "return appliance.allowed_prefixes is not None and prefix",
        "return bool(appliance.allowed_prefixes) and prefix",
    ),
    Mutant(
        "leak-counted-once",
        "A prefix that is announced twice is counted once.",
        f"{TANDEM}/signals/leaks.py",
        "sorted({s.prefix for s in announcements if s.prefix}, key=_in_order)",
        "sorted([s.prefix for s in announcements if s.prefix], key=_in_order)",
    ),
    Mutant(
        "leak-named",
        "Ten prefixes are named, however many there are.",
        f"{TANDEM}/signals/leaks.py",
        "prefixes=tuple(prefixes[:NAMED])",
        "prefixes=tuple(prefixes)",
    ),
    Mutant(
        "leak-by-peer",
        "Each peer of an appliance has a leak of its own.",
        f"{TANDEM}/signals/leaks.py",
        "announced.setdefault(signal.peer_id, []).append(signal)",
        "announced.setdefault(next(iter(announced), signal.peer_id), []).append(signal)",
    ),
    Mutant(
        "leak-scope",
        "A prefix with a scope is no prefix.",
        f"{TANDEM}/topology/document.py",
        'if "%" in text:',
        'if text == "%":',
    ),
    Mutant(
        "leak-peer-logs-warning",
        "Who lists allowed prefixes and switches the peer logs off is warned.",
        f"{TANDEM}/topology/routeserver.py",
        "if topology.route_server.peer_logs:",
        "if topology.route_server:",
    ),
    Mutant(
        "signals-health-copy",
        "The copy of a Health event for the backup Region is no signal.",
        f"{TANDEM}/signals/awsevents.py",
        'str(detail.get("backupEvent")).lower() == "true"',
        'detail.get("backupEvent") is True',
    ),
    # provisioning
    Mutant(
        "plan-peer-before-successor",
        "A session ends after its successor is there.",
        f"{PROVISIONING}/sessionends.py",
        "first = missing[0].reason(Code.UNTIL_SESSION) if missing else None",
        "first = None",
    ),
    Mutant(
        "plan-both-sessions",
        "One plan does not end all the sessions of the owner.",
        f"{PROVISIONING}/sessionends.py",
        "            if step.is_ready:\n                live.end(peer)\n",
        "",
    ),
    Mutant(
        "plan-refusal",
        "The owner's last session ends only where somebody has allowed it.",
        f"{PROVISIONING}/sessionends.py",
        "if not self.desired.may_interrupt:",
        "if not self.desired.may_interrupt and session is None:",
    ),
    Mutant(
        "plan-standby",
        "The owner's last session waits for a standby that could take over.",
        f"{PROVISIONING}/sessionends.py",
        "return self._busy() or self._standby(appliance)",
        "return self._busy()",
    ),
    Mutant(
        "plan-propagation-break",
        "A propagation ends after the one that takes its place is there.",
        f"{PROVISIONING}/manageplan.py",
        "waits = reason(Code.UNTIL_PROPAGATION, missing[0]) if missing else None",
        "waits = None",
    ),
    Mutant(
        "plan-modified",
        "A route server that is being modified takes no other call.",
        f"{PROVISIONING}/manageplan.py",
        "modified = any(isinstance(step.do, ModifyRouteServer) and step.is_ready for step in steps)",
        "modified = False",
    ),
    Mutant(
        "plan-tombstone",
        "A route server that is deleted does not exist.",
        f"{PROVISIONING}/managed.py",
        "there = [s for s in servers if s.state != DELETED]",
        "there = list(servers)",
    ),
    Mutant(
        "plan-token",
        "The successor of an endpoint that AWS does not show any more has a token of its own.",
        f"{PROVISIONING}/endpointplan.py",
        "    before |= {former} if former and former not in alive else set()\n",
        "",
    ),
    Mutant(
        "plan-adopted",
        "What Tandem has adopted is not deleted.",
        f"{PROVISIONING}/managed.py",
        "return is_ours(tags, desired) and not is_adopted(tags)",
        "return is_ours(tags, desired)",
    ),
    Mutant(
        "plan-consent",
        "The owner's consent is for one stack.",
        f"{PROVISIONING}/managed.py",
        "return found.get(OWNER_TAG) == desired.stack or",
        "return OWNER_TAG in found or",
    ),
    Mutant(
        "plan-full-subnet",
        "A subnet gets two endpoints of a route server at the most.",
        f"{PROVISIONING}/endpointplan.py",
        "if len(in_subnet) + begun < MOST_ENDPOINTS_IN_SUBNET:",
        "if len(in_subnet) + begun <= MOST_ENDPOINTS_IN_SUBNET:",
    ),
    Mutant(
        "plan-given-up",
        "What AWS has failed three times is not made again.",
        f"{PROVISIONING}/managed.py",
        "if len(times) < MOST_FAILURES:",
        "if len(times) <= MOST_FAILURES:",
    ),
    Mutant(
        "run-one-end",
        "Between two observations one session or route is taken away at the most.",
        f"{PROVISIONING}/manageapply.py",
        "for step in (*ending[:1], *(",
        "for step in (*ending, *(",
    ),
    Mutant(
        "run-note",
        "What is under way is recorded before it is done.",
        f"{PROVISIONING}/manageapply.py",
        "        self._note(steps)\n        failure = self._carry_out(self._ready(steps))\n",
        "        failure = self._carry_out(self._ready(steps))\n        self._note(steps)\n",
    ),
    # validation, discovery
    Mutant(
        "validation-forgotten",
        "An address belongs to one appliance.",
        f"{TANDEM}/topology/crosschecks.py",
        "    _nothing_claimed_twice,\n    addresses_of_one_appliance,\n",
        "    _nothing_claimed_twice,\n",
    ),
    Mutant(
        "validation-quota",
        "Two endpoints in a subnet are allowed.",
        f"{TANDEM}/topology/crosschecks.py",
        "if count > MOST_ENDPOINTS_IN_SUBNET:",
        "if count >= MOST_ENDPOINTS_IN_SUBNET:",
    ),
    Mutant(
        "validation-consent",
        "An Elastic IP whose owner consents to another stack is refused.",
        f"{TANDEM}/topology/consent.py",
        "    if found == stack:",
        "    if found:",
    ),
    Mutant(
        "validation-account",
        "An interface of another account is refused and never offered for tagging.",
        f"{TANDEM}/topology/elasticips.py",
        "    return owner not in (None, inventory.place.account)",
        "    return False",
    ),
    Mutant(
        "validation-one-interface",
        "A private IP is on one interface of the document.",
        f"{TANDEM}/topology/addresses.py",
        "    yield from _on_several_interfaces(zip(private_ips, interfaces, strict=True))\n",
        "",
    ),
    Mutant(
        "validation-size",
        "A document of too many values is not judged.",
        f"{TANDEM}/topology/size.py",
        "        if values > MOST_VALUES:",
        "        if False:",
    ),
    Mutant(
        "answer-host",
        "An answer goes to the buckets of CloudFormation only.",
        f"{TANDEM}/requests/answerurl.py",
        "if self._bucket.fullmatch(parts.netloc):",
        "if self._bucket.match(parts.netloc):",
    ),
    Mutant(
        "answer-at-the-door",
        "A request that cannot be answered does nothing.",
        f"{TANDEM}/requests/answering.py",
        "    if _is_misdirected(request, desk):\n        return None\n",
        "",
    ),
    Mutant(
        "audit-heads",
        "A tail that was cut off shows against the heads in events.",
        f"{TANDEM}/audit.py",
        "        if head.number not in there:",
        "        if False:",
    ),
    Mutant(
        "audit-text",
        "The hash of an audit record is over its stored text.",
        f"{TANDEM}/audit.py",
        "if r.text != canonical(r.body) or digest(r.sequence, r.number, r.previous, r.text) != r.hash",
        "if digest(r.sequence, r.number, r.previous, canonical(r.body)) != r.hash",
    ),
    Mutant(
        "discovery-rib",
        "Only a route in the FIB makes a group.",
        "cli/discovery/groups.py",
        "[route for route in snapshot.database.routes if route.status is RouteStatus.IN_FIB]",
        "list(snapshot.database.routes)",
    ),
    Mutant(
        "discovery-ambiguous",
        "An Elastic IP that could go to two private addresses is left out.",
        "cli/discovery/groups.py",
        "if len(places) > 1:",
        "if len(places) > 2:",
    ),
    Mutant(
        "discovery-mode",
        "A discovered topology begins with a dry run.",
        "cli/discovery/document.py",
        '"mode": "dry-run"',
        '"mode": "enforce"',
    ),
    # people
    Mutant(
        "people-mode-judged",
        "A change of the mode is not judged by what AWS shows, in either direction.",
        f"{TANDEM}/requests/applying.py",
        'return len(modes) == 2 and {**old, "mode": None} == {**new, "mode": None}',
        'return old.get("mode") == "enforce" and {**old, "mode": None} == {**new, "mode": None}',
    ),
    Mutant(
        "people-mode-alone",
        "A change of more than the mode is judged by what AWS shows.",
        f"{TANDEM}/requests/applying.py",
        'return len(modes) == 2 and {**old, "mode": None} == {**new, "mode": None}',
        "return len(modes) == 2",
    ),
    Mutant(
        "people-preview",
        "A stored topology is previewed whatever problems a document has.",
        f"{TANDEM}/requests/applying.py",
        "_preview(made if not problems else _stored(before), world)",
        "_preview(made if not problems else None, world)",
    ),
    Mutant(
        "people-look",
        "What is stored is looked at at once.",
        f"{TANDEM}/requests/applying.py",
        'world.bus.put(topology_change(record, "stored", now, by, before), look_at_version(record, now))',
        'world.bus.put(topology_change(record, "stored", now, by, before))',
    ),
    Mutant(
        "people-asked",
        "Times count from the signal that first asked, and not from its arrival.",
        f"{TANDEM}/words/failover.py",
        "return min(str(asked), received, key=parse_iso) if asked else received",
        "return received",
    ),
    Mutant(
        "people-end-severity",
        "The end of a hold has the gravest severity that was notified of it.",
        f"{FAILOVER}/holds.py",
        'gravest(decision.severity, known.severity if known else "")',
        "decision.severity",
    ),
    Mutant(
        "people-end-with-move",
        "A hold ends with the move that ended it.",
        f"{FAILOVER}/turn.py",
        "return end(run, progress, shown, owed.decision_id)",
        "return progress",
    ),
    Mutant(
        "people-repeat",
        "What a person's word keeps on a dead appliance is told again while it lasts.",
        f"{FAILOVER}/holds.py",
        "return is_worse or now - (known.notified_at or known.since) >= REPEAT",
        "return is_worse",
    ),
    Mutant(
        "people-worse",
        "A pause is told again when its holder dies.",
        f"{FAILOVER}/holds.py",
        "return is_worse or now - (known.notified_at or known.since) >= REPEAT",
        "return now - (known.notified_at or known.since) >= REPEAT",
    ),
    Mutant(
        "people-nobody-is-no-dead-holder",
        "An address that nobody has is no alarm of a dry run.",
        f"{FAILOVER}/decision.py",
        "return is_held and self.dead is not None and self.holder_appliance is not None",
        "return is_held and self.dead is not None",
    ),
    Mutant(
        "people-gathered",
        "What a look tries again is told once it is over.",
        f"{FAILOVER}/trail.py",
        'return body.get("kind") == RecordKind.OUTCOME and bool(retried.intersection(told_groups(body)))',
        "return False",
    ),
    Mutant(
        "people-announced",
        "That moves begin is told once, however often they are tried.",
        f"{FAILOVER}/turn.py",
        "return all(progress.announced.get(a.subject) == a.target for a in decision.moves)",
        "return False",
    ),
    Mutant(
        "people-gathered-owner",
        "Outcomes at different appliances are different messages.",
        f"{FAILOVER}/news.py",
        '{(a["group"], a["to"]["appliance"]) for a in body["addresses"] if a["group"] in body["tell"]}',
        '{(a["group"], "") for a in body["addresses"] if a["group"] in body["tell"]}',
    ),
    Mutant(
        "people-pin-end",
        "A pin that is over is told as lifted.",
        f"{FAILOVER}/pins.py",
        "if o.kind is OverrideKind.PINNED and now < o.until",
        "if o.kind is OverrideKind.PINNED",
    ),
    Mutant(
        "people-words",
        "The same in other words is no news.",
        f"{PROVISIONING}/provisioner.py",
        "if not steps and not has_changed(before, provisioned):",
        "if not steps and provisioned == before:",
    ),
    Mutant(
        "people-drift-words",
        "A drift that was notified stays so, whatever words it has by now.",
        f"{PROVISIONING}/recording.py",
        "return problem.identity in drift or any(",
        "return any(",
    ),
    Mutant(
        "people-dial",
        "Sessions are to be dialled anew where no message told of them.",
        f"{PROVISIONING}/recording.py",
        "if key not in codes.notified and not any(",
        "if not any(",
    ),
    Mutant(
        "people-subject-id",
        "A subject is never cut inside an ID.",
        f"{TANDEM}/words/notification.py",
        'line[: SUBJECT_MOST - 2].rpartition(" ")[0]',
        "line[: SUBJECT_MOST - 3]",
    ),
    # notification
    Mutant(
        "notification-subject",
        "A subject has less than 100 characters.",
        f"{TANDEM}/words/notification.py",
        "SUBJECT_MOST = 99",
        "SUBJECT_MOST = 100",
    ),
    Mutant(
        "notification-attributes",
        "A message has no empty attribute, which SNS refuses.",
        f"{TANDEM}/words/notification.py",
        "attributes={name: value for name, value in attributes.items() if value}",
        'attributes={name: value or "" for name, value in attributes.items()}',
    ),
    # the template
    Mutant(
        "iam-owners-tag",
        "The failover function moves only what carries the owner's tag.",
        "template.yaml",
        ":network-interface/*\n"
        "                Condition:\n"
        "                  StringEquals:\n"
        "                    aws:ResourceTag/tandem:stack: !Ref AWS::StackName\n"
        "              - Sid: ReadState\n",
        ":network-interface/*\n              - Sid: ReadState\n",
    ),
    Mutant(
        "iam-leading-keys",
        "The failover function writes no override.",
        "template.yaml",
        "dynamodb:LeadingKeys: [look]",
        "dynamodb:LeadingKeys: [look, override]",
    ),
    Mutant(
        "iam-tags",
        "The provisioner writes no consent on interfaces.",
        "template.yaml",
        """              "Null":
                aws:RequestTag/tandem:stack: "true"
""",
        """              "Null":
""",
    ),
    Mutant(
        "iam-untagging",
        "The provisioner takes no tags from what an owner has tagged.",
        "template.yaml",
        """                aws:RequestTag/tandem:adopted: "true"
                aws:ResourceTag/tandem:stack: "true"
""",
        """                aws:RequestTag/tandem:adopted: "true"
""",
    ),
    Mutant(
        "iam-networks",
        "The provisioner enters only networks whose owner consents.",
        "template.yaml",
        """:route-table/*
                Condition:
                  StringEquals: { aws:ResourceTag/tandem:stack: !Ref AWS::StackName }
""",
        """:route-table/*
""",
    ),
    Mutant(
        "iam-take-back",
        "What the provisioner has set up can go without consent.",
        "template.yaml",
        """Action: [ec2:DisableRouteServerPropagation, ec2:DisassociateRouteServer]""",
        """Action: [ec2:DisableRouteServerPropagation]""",
    ),
    Mutant(
        "iam-requests",
        "Only the provisioner reads the signed URLs of stack requests.",
        "template.yaml",
        "dynamodb:LeadingKeys: [topology, override]",
        "dynamodb:LeadingKeys: [topology, override, request]",
    ),
    Mutant(
        "iam-audit-attributes",
        "No audit record gets an attribute by which it could expire.",
        "template.yaml",
        "dynamodb:Attributes: [sequence, number, previous, hash, body]",
        "dynamodb:Attributes: [sequence, number, previous, hash, body, expires_at]",
    ),
    Mutant(
        "iam-own-topic",
        "Nobody deletes the topic of the notifications.",
        "template.yaml",
        "Action: [sns:CreateTopic, sns:DeleteTopic, sns:ListSubscriptionsByTopic",
        "Action: [sns:CreateTopic, sns:ListSubscriptionsByTopic",
    ),
    Mutant(
        "iam-other-account",
        "No interface is handed to another account.",
        "template.yaml",
        '"Null": { ec2:AuthorizedUser: "true", aws:ResourceTag',
        '"Null": { aws:ResourceTag',
    ),
    Mutant(
        "consent-networks",
        "A document that enters a network without its owner's tag is refused.",
        f"{TANDEM}/topology/consent.py",
        "    if resource_id not in consents:\n",
        "    if resource_id in consents:\n",
    ),
    Mutant(
        "consent-declared",
        "A tag that is missing since then refuses no other change.",
        f"{TANDEM}/requests/applying.py",
        "if before is not None and not before.is_leaving:\n        refused",
        "if before is not None and before.is_leaving:\n        refused",
    ),
    Mutant(
        "iam-bus",
        "Only the four functions that have something to say put events on the bus.",
        "template.yaml",
        "                  - !GetAtt ProvisionerRole.Arn\n",
        "                  - !GetAtt ProvisionerRole.Arn\n                  - !GetAtt NotifierRole.Arn\n",
    ),
    Mutant(
        "template-dead-letter",
        "A sweep that is not delivered reaches a queue.",
        "template.yaml",
        "MaximumEventAgeInSeconds: 60 }\n            DeadLetterConfig: { Arn: !GetAtt SignalsQueue.Arn }\n",
        "MaximumEventAgeInSeconds: 60 }\n",
    ),
    Mutant(
        "template-on-failure",
        "What the watch fails on reaches its own queue.",
        "template.yaml",
        "OnFailure: { Type: SQS, Destination: !GetAtt WatchQueue.Arn }",
        "OnFailure: { Type: SQS, Destination: !GetAtt SignalsQueue.Arn }",
    ),
    Mutant(
        "template-maintenance",
        "Announced maintenance wakes the failover function.",
        "template.yaml",
        "detail-type: [Peer State Change, Route Change, Endpoint Maintenance, Look]",
        "detail-type: [Peer State Change, Route Change, Look]",
    ),
    Mutant(
        "template-leaks",
        "People are told of route leaks.",
        "template.yaml",
        "                - Route Leak\n",
        "",
    ),
    Mutant(
        "template-retained",
        "The state table outlives the stack.",
        "template.yaml",
        "  StateTable:\n    Type: AWS::DynamoDB::Table\n    DeletionPolicy: Retain\n",
        "  StateTable:\n    Type: AWS::DynamoDB::Table\n    DeletionPolicy: Delete\n",
    ),
    Mutant(
        "template-loop",
        "The notifier has a log group, a queue and alarms as every function.",
        "template.yaml",
        "[Failover, Signals, Watch, Provisioner, Notifier, Compliance]",
        "[Failover, Signals, Watch, Provisioner, Compliance]",
    ),
    Mutant(
        "template-count",
        "An alarm on a count of Tandem's is on the function that counts it.",
        "template.yaml",
        "      Metric: UnknownSignal\n      Function: signals\n",
        "      Metric: UnknownSignal\n      Function: notifier\n",
    ),
    # compliance: where everything ends if something fails
    Mutant(
        "nminusone-tie",
        "A tie that AWS's own rule would decide is undetermined.",
        f"{COMPLIANCE}/whatif/bestpath.py",
        "return tuple(route for route in near if route.med == lowest[route.as_path[0]])",
        "return tuple(route for route in near if route.med == lowest[route.as_path[0]])[:1]",
    ),
    Mutant(
        "nminusone-stays",
        "A winner that is left stays the winner, whatever AWS's own rule is.",
        f"{COMPLIANCE}/whatif/bestpath.py",
        "if is_harmless or _were_finalists(found, contest):",
        "if is_harmless:",
    ),
    Mutant(
        "nminusone-med",
        "A route that goes may have kept another one of its neighbour from winning.",
        f"{COMPLIANCE}/whatif/bestpath.py",
        "return gone.as_path[0] == winner.as_path[0] and gone.med >= winner.med",
        "return True",
    ),
    Mutant(
        "nminusone-passed-over",
        "A route that AWS does not choose today although it should win may never win.",
        f"{COMPLIANCE}/whatif/bestpath.py",
        "return winner not in finalists((route, winner))",
        "return False",
    ),
    Mutant(
        "nminusone-unread-row",
        "A row that cannot be read may be the route that takes over.",
        f"{COMPLIANCE}/whatif/aftermath.py",
        "is_whole = not unread or (found.is_firm and prefix not in scene.database.doubts)",
        "is_whole = True",
    ),
    Mutant(
        "nminusone-unread-target",
        "A target that cannot be read is no survivor.",
        f"{COMPLIANCE}/whatif/nminusone.py",
        "    if unknown is not None:\n        yield unknown\n    elif",
        "    if",
    ),
    Mutant(
        "nminusone-paused",
        "A paused topology is judged as if it were not.",
        f"{COMPLIANCE}/whatif/nminusone.py",
        "left = tuple(o for o in observation.overrides if o.kind is not OverrideKind.PAUSED)",
        "left = observation.overrides",
    ),
    Mutant(
        "nminusone-zone",
        "While the zone of one thing is unknown, no zone's failure is clear.",
        f"{COMPLIANCE}/whatif/failures.py",
        "            unclear=unclear,\n",
        "",
    ),
    Mutant(
        "nminusone-silent",
        "Only a standby that the document calls silent is assumed to become active.",
        f"{COMPLIANCE}/whatif/aftermath.py",
        "if appliance.standby is Standby.SILENT and name not in dead:",
        "if name not in dead:",
    ),
    Mutant(
        "nminusone-stopped",
        "An instance that fails is stopped, and nobody's target any more.",
        f"{COMPLIANCE}/whatif/aftermath.py",
        'dict.fromkeys(stopped, "stopped")',
        "{}",
    ),
    # compliance: whether the next failover will work
    Mutant(
        "compliance-unread",
        "A rule never passes for what nobody can read.",
        f"{COMPLIANCE}/checks.py",
        "    doubts = inventory.incomplete | inventory.unknown\n",
        "    doubts = inventory.unknown\n",
    ),
    Mutant(
        "compliance-managed",
        "What Tandem manages is compared with the document like what it watches.",
        f"{COMPLIANCE}/checks.py",
        "dict.fromkeys((False, topology.manage))",
        "(topology.manage,)",
    ),
    Mutant(
        "compliance-tie",
        "A standby's path that ties with the chosen one is a finding.",
        f"{COMPLIANCE}/rules/standby.py",
        "any(rank(route) == rank(best) for route in own)",
        "any(rank(route) < rank(best) for route in own)",
    ),
    Mutant(
        "compliance-static",
        "An advertised route for a part bypasses the tracked one only if it leads to another appliance.",
        f"{COMPLIANCE}/rules/otherroutes.py",
        "route.origin == ADVERTISED and _follows(",
        "route.origin == ADVERTISED or _follows(",
    ),
    Mutant(
        "compliance-gateway",
        "A gateway table need not have a prefix only where another declared table can.",
        f"{COMPLIANCE}/rules/installation.py",
        "                is_elsewhere\n                and table in gateways\n",
        "                table in gateways\n",
    ),
    Mutant(
        "compliance-own-role",
        "The stack's own roles are no second mover.",
        f"{COMPLIANCE}/rules/ownership.py",
        'if call.role is None or not call.role.startswith(f"{stack}-"):',
        "if call.role is None or stack:",
    ),
    Mutant(
        "compliance-last-day",
        "A waiver holds on its last day.",
        f"{TANDEM}/topology/document.py",
        "return at.date() <= self.until",
        "return at.date() < self.until",
    ),
    # the lab's EC2
    Mutant(
        "lab-best-path",
        "A shorter AS path beats a lower MED.",
        "lab/ec2/best_path.py",
        "return (len(path.as_path), path.med, *tie, path.peer_id)",
        "return (path.med, len(path.as_path), *tie, path.peer_id)",
    ),
    Mutant(
        "lab-displacement",
        "AssociateAddress throws off what the private IP had.",
        "lab/ec2/addresses.py",
        "        if displaced is not None:\n            displaced.detach()\n",
        "",
    ),
    Mutant(
        "lab-reassociation",
        "AssociateAddress moves an address unless AllowReassociation is false.",
        "lab/ec2/addresses.py",
        "if reassociate is False and elastic_ip.eni is not None:",
        "if not reassociate and elastic_ip.eni is not None:",
    ),
)
