"""What is promised of failures, and the tests that cause them: the table behind docs/reliability.md."""

from typing import NamedTuple


class Promise(NamedTuple):
    """A failure, what happens then, and the tests that cause it: files below tests/, or tests in them."""

    failure: str
    promise: str
    tests: tuple[str, ...]


PROMISES: tuple[Promise, ...] = (
    Promise(
        "kill -9 of a training process, at any moment",
        "every point that `log` returned for is kept, once; the run ends Failed, with the signal's name or as one that "
        "ended without closing",
        (
            "client/test_trouble.py::test_kill_minus_nine_keeps_every_point",
            "lifecycle/test_judge.py::test_a_script_that_is_killed_leaves_a_failed_run",
            "torture/test_points.py",
            "torture/test_moments.py",
        ),
    ),
    Promise(
        "kill -9 of the supervisor, the job's parent, or both",
        "training goes on and its points are kept; the run is NotResponding until it is adopted or closed, and its "
        "outputs are still there; what the job prints is in its log",
        (
            "lifecycle/test_supervisor_death.py",
            "lifecycle/test_job_output.py",
            "torture/test_points.py",
            "torture/test_moments.py",
        ),
    ),
    Promise(
        "kill -9 during ingest, rebuild, compaction, migration, snapshot, submission or collection",
        "nothing lost, nothing doubled, nothing to repair by hand",
        (
            "store/test_ingest.py::test_kill_minus_nine_while_ingesting",
            "store/test_ingest_at_once.py::test_kills_among_ingesting_processes_cost_nothing",
            "store/test_recovery.py",
            "store/test_trash.py",
            "torture/test_points.py",
            "torture/test_moments.py",
        ),
    ),
    Promise(
        "the disk is full",
        "`log` neither raises nor blocks; one warning; points wait in bounded memory and are written when there is "
        "room again; the run says how many were lost; a job's `print` goes on; the store stays readable, runs can be "
        "listed and removed; those that end meanwhile are shown so; outputs that cannot be saved are kept",
        (
            "cli/test_space_given_back.py",
            "lifecycle/test_job_output.py::test_a_job_prints_on_while_the_disk_is_full",
            "client/test_full_disk.py",
            "lifecycle/test_unrecorded_states.py::test_on_a_full_disk_runs_end_all_the_same",
            "lifecycle/test_unrecorded_states.py::test_of_a_job_that_is_ended_on_a_full_disk_it_is_told_that_more_is_lost",
            "lifecycle/test_unrecorded_states.py::test_of_a_script_that_is_killed_on_a_full_disk_too",
            "client/test_trouble.py::test_a_full_disk_neither_raises_nor_loses",
            "store/test_writer.py",
            "lifecycle/test_collection.py::test_what_cannot_be_saved_is_kept_until_it_can",
            "lifecycle/test_odd_moments.py::test_how_a_job_ended_is_known_though_the_disk_is_full",
            "lifecycle/test_odd_moments.py::test_a_rebuild_that_has_no_room_leaves_the_store_as_it_was",
        ),
    ),
    Promise(
        "16 processes at once on a workspace that does not exist",
        "all succeed",
        ("store/test_lease.py::test_sixteen_processes_make_one_workspace",),
    ),
    Promise(
        "several ranks log into one run",
        "all is kept, told apart by rank",
        (
            "store/test_ingest.py::test_ranks_are_kept_apart",
            "lifecycle/test_ranks.py",
            "lifecycle/test_long_lives.py::test_a_million_records_of_each_rank_are_all_kept",
        ),
    ),
    Promise(
        "torn records and garbage in a journal",
        "the good records before and after are kept; the gap is counted and shown on the run",
        (
            "store/test_journal.py",
            "store/test_ingest.py::test_damage_is_counted_on_the_run",
            "store/test_foreign_writers.py",
        ),
    ),
    Promise(
        "the store's file is deleted, cut off or damaged",
        "it is made again from the journals by one command, the same as before",
        (
            "store/test_recovery.py",
            "store/test_lease.py::test_a_deleted_store_comes_back_by_itself",
            "store/test_ingest.py::test_a_rebuilt_store_is_the_same",
        ),
    ),
    Promise(
        "another program holds the store's file",
        "a message with its PID; training goes on and loses nothing",
        (
            "store/test_lease.py::test_a_foreign_holder_is_named_and_loses_nothing",
            "store/test_user_sql.py::test_a_file_that_another_program_holds_is_said_to_be",
        ),
    ),
    Promise(
        "a read-only file system, a missing permission",
        "a clear message with the remedy; what is there can be read; runs that are over are shown so; nothing is lost",
        (
            "lifecycle/test_long_lives.py::test_a_disk_that_turns_read_only_is_told_and_is_still_read",
            "lifecycle/test_long_lives.py::test_a_disk_that_is_read_only_and_has_no_store_yet_is_read_all_the_same",
            "lifecycle/test_unrecorded_states.py::test_on_a_disk_that_turned_read_only_too",
            "lifecycle/test_unrecorded_states.py"
            "::test_how_a_job_ended_is_known_though_the_runs_control_may_not_be_written_any_more",
            "store/test_writer.py::test_a_folder_that_is_not_there_is_named",
            "cli/test_unreadable.py",
        ),
    ),
    Promise(
        "a run's folder is removed while its job goes on",
        "the job is ended, and the run is not listed as running for ever",
        ("lifecycle/test_absent_runs.py",),
    ),
    Promise(
        "a job that opens its stdout or stderr anew, or changes data that it downloaded",
        "its log keeps every line in its order; the originals stay as they are",
        ("lifecycle/test_job_output.py", "data_assets/test_own_copy.py"),
    ),
    Promise(
        "forks, threads, inherited and closed descriptors around any lock",
        "no lock outlives or betrays its owner, and nothing of ours gets into a file of the user's",
        (
            "store/test_replaced_and_forked.py",
            "client/test_threads_and_children.py",
            "client/test_endings.py::test_a_child_does_not_keep_a_killed_scripts_run_alive",
            "client/test_trouble.py::test_no_child_is_forked_while_a_thread_of_ours_loads_modules",
            "client/test_trouble.py::test_a_script_that_closes_every_descriptor_loses_no_point_and_finds_nothing_in_its_files",
        ),
    ),
    Promise(
        "two supervisors for one run; a PID that is another process's by now; another host or boot",
        "one of them leads it; nobody else's process is touched; nothing is judged that cannot be known",
        (
            "lifecycle/test_supervisor_death.py::test_of_two_adopters_one_wins",
            "lifecycle/test_supervisor_death.py::test_who_finds_the_run_held_leads_nothing",
            "lifecycle/test_supervisor_death.py::test_who_takes_over_too_late_records_nothing_more",
            "lifecycle/test_odd_moments.py::test_a_process_that_has_got_a_jobs_pid_is_left_alone",
            "lifecycle/test_judge.py",
        ),
    ),
    Promise(
        "a machine that sleeps, a clock that is set back, another time zone",
        "who sleeps is not dead; what was done later counts, recorded durations stay right, times the same everywhere",
        (
            "lifecycle/test_long_lives.py::test_a_machine_that_sleeps_wakes_to_a_run_that_goes_on",
            "lifecycle/test_clock_set_back.py",
            "store/test_onward.py",
            "store/test_replaced_and_forked.py::test_a_clock_that_is_set_back_does_not_change_the_order_within_a_journal",
            "lifecycle/test_long_lives.py::test_a_changed_time_zone_changes_no_time",
        ),
    ),
    Promise(
        "the package is upgraded or removed under a living run; an old process beside a newer store",
        "the run goes on to its end; the old process says that it is to be started again, and changes nothing",
        (
            "lifecycle/test_long_lives.py::test_the_package_goes_away_under_a_living_supervisor",
            "store/test_recovery.py::test_a_store_that_is_upgraded_beside_a_living_process_is_left_alone",
        ),
    ),
    Promise(
        "a log that never ends",
        "it stays within its cap: head and tail are kept, the gap is named",
        (
            "lifecycle/test_logs.py",
            "lifecycle/test_long_lives.py::test_a_log_of_ten_gigabytes_at_full_speed_stays_within_its_cap",
        ),
    ),
    Promise(
        "bad specs, hostile paths, archives, names and escape codes",
        "refused, or shown harmlessly; nothing is written outside of the workspace; none gets into SQL or a terminal",
        (
            "spec/test_bad_files.py",
            "snapshot/test_round_trip.py",
            "store/test_hostile_queries.py",
            "store/test_user_sql.py",
            "lifecycle/test_logs.py::test_what_could_steer_a_terminal_is_shown_harmlessly",
        ),
    ),
    Promise(
        "Ctrl-C at any moment: while a run is opened or ended, while the store is looked at, while something is loaded",
        "the run is ended, nothing is held by whoever goes on, and what follows works",
        (
            "client/test_interrupted.py",
            "store/test_lease.py::test_wherever_ctrl_c_comes_nothing_is_held_after_it",
            "store/test_lease.py"
            "::test_ctrl_c_is_a_keyboard_interrupt_wherever_it_comes_and_the_store_can_be_used_after_it",
            "spec/test_interrupted_load.py",
            "cli/test_signals.py",
        ),
    ),
    Promise(
        "secrets that slip into parameters, tags, commands, logs and messages",
        "what looks like one is neither recorded in journals or the store nor shown; the job gets what it was given",
        ("store/test_redaction.py", "cli/test_secrets.py"),
    ),
    Promise(
        "removing, giving space back, copying, while runs are submitted and go on",
        "what a living run needs stays; a copy is whole and proves itself; a removed run comes back as it was",
        (
            "store/test_trash.py",
            "lifecycle/test_housekeeping.py",
            "cli/test_keeping_house.py",
            "cli/test_space_given_back.py",
        ),
    ),
)
