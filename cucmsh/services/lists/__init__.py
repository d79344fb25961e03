"""Trust lists: made, judged, signed anew, brought to every node that serves them.

Where to look for what:

* What each node serves now: ``served_lists``; what else a node is before a change:
  ``locate_nodes``; what the others served goes into the history: ``history_of_others``.
* A list is composed and signed: ``tftp_start`` calls ``compose``; whether phones would
  take it: ``acceptance``; a person gives phones up: ``give_up_phones``; whether a list
  was made elsewhere: ``foreign``.
* A reset: ``run_reset`` is the use-case; ``plan_reset`` signs the ``base_list`` anew;
  ``apply_reset`` puts the key and the list in place, this node first.
* Staged, committed, proven, discarded on another node: ``node_update``, over the
  connections of a ``fleet``; what a reset brings: ``reset_update``. A member's end of
  it is ``install``, run from here by ``member_hooks``.
* A push to the replicas: ``update_replicas``; on one of them ``replica_push``, with
  ``replica_list``, ``replica_signed_files``, ``replica_plain_files`` and what is noted
  there, ``replica_records``.
* The phones' files: ``phone_files`` finds them, ``sign_files`` signs them, the use-case
  is ``sign_and_bring``; their names as phones know them: ``asked_names``; what is never
  signed or brought: ``secret_files``.
* Looked at: ``show_list`` on this node, ``verify_file`` anywhere.

What is open of all this is in ``cucmsh.services.records.open_work``.
"""
