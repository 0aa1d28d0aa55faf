//! Seccomp: system calls that no plugin, or only one that says so, has a use for. They fail with "operation not permitted".
//!
//! The list is that of container runtimes: what reaches the kernel itself, other processes, the clock, the keys of users; and,
//! unless a plugin says that it makes namespaces, what changes what processes see.

use super::rules::Syscalls;
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, sock_filter,
};
use std::collections::BTreeMap;
use std::io;

type Denied = BTreeMap<c_long, Vec<SeccompRule>>;

/// What nobody needs.
const ALWAYS: &[c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const OF_THIS_PROCESSOR: &[c_long] = &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt];
#[cfg(not(target_arch = "x86_64"))]
const OF_THIS_PROCESSOR: &[c_long] = &[];

/// What changes what processes see.
const NAMESPACES: &[c_long] = &[
    libc::SYS_chroot,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_setns,
    libc::SYS_umount2,
];

const NEW_NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
    // CLONE_NEWTIME
    0x80,
];

/// Numbers from here on are those of another convention (x32), which would not be found in any list.
const FOREIGN: u32 = 0x4000_0000;

/// Makes the filters.
pub(super) fn prepare(allowed: &Syscalls) -> io::Result<Vec<BpfProgram>> {
    let not_permitted = errno(libc::EPERM);
    let mut programs = vec![compile(denied(allowed)?, not_permitted, allowed)?];
    if !allowed.namespaces {
        // What it asks for is behind a pointer, where a filter can't look. Libraries go back to the older call.
        let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
        programs.push(compile(clone3, errno(libc::ENOSYS), allowed)?);
    }
    Ok(programs)
}

fn denied(allowed: &Syscalls) -> io::Result<Denied> {
    let mut denied = Denied::new();
    let mut whole = |numbers: &[c_long]| {
        denied.extend(numbers.iter().map(|number| (*number, Vec::new())));
    };
    whole(ALWAYS);
    whole(OF_THIS_PROCESSOR);
    if !allowed.namespaces {
        whole(NAMESPACES);
        // Bit 7 of a clone is part of the signal at its end.
        let of_clone = &NEW_NAMESPACES[..NEW_NAMESPACES.len() - 1];
        denied.insert(libc::SYS_clone, any_bit(0, of_clone)?);
        denied.insert(libc::SYS_unshare, any_bit(0, NEW_NAMESPACES)?);
    }
    if !allowed.network {
        let unix = SeccompCmpOp::Ne;
        let other = condition(0, unix, i64::from(libc::AF_UNIX))?;
        denied.insert(libc::SYS_socket, vec![rule(other)?]);
    }
    let block_device = SeccompCmpOp::MaskedEq(u64::from(libc::S_IFMT));
    let block_device =
        |argument| condition(argument, block_device.clone(), i64::from(libc::S_IFBLK));
    denied.insert(libc::SYS_mknodat, vec![rule(block_device(2)?)?]);
    #[cfg(target_arch = "x86_64")]
    denied.insert(libc::SYS_mknod, vec![rule(block_device(1)?)?]);
    // Typing into the terminal that somebody else reads.
    let typing = condition(1, SeccompCmpOp::Eq, i64::from(libc::TIOCSTI as u32))?;
    denied.insert(libc::SYS_ioctl, vec![rule(typing)?]);
    Ok(denied)
}

fn any_bit(argument: u8, bits: &[libc::c_int]) -> io::Result<Vec<SeccompRule>> {
    let has = |bit: &libc::c_int| {
        let bit = i64::from(*bit);
        rule(condition(argument, SeccompCmpOp::MaskedEq(bit.cast_unsigned()), bit)?)
    };
    bits.iter().map(has).collect()
}

fn condition(argument: u8, operator: SeccompCmpOp, value: i64) -> io::Result<SeccompCondition> {
    let value = value.cast_unsigned();
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
        .map_err(io::Error::other)
}

fn rule(condition: SeccompCondition) -> io::Result<SeccompRule> {
    SeccompRule::new(vec![condition]).map_err(io::Error::other)
}

fn errno(number: libc::c_int) -> SeccompAction {
    SeccompAction::Errno(number.cast_unsigned())
}

fn compile(denied: Denied, action: SeccompAction, allowed: &Syscalls) -> io::Result<BpfProgram> {
    let processor = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(denied, SeccompAction::Allow, action, processor);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(io::Error::other)?;
    let mut whole = if allowed.namespaces { other_processors() } else { Vec::new() };
    whole.extend(foreign_numbers());
    whole.extend(program);
    Ok(whole)
}

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IF_AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// Where a filter finds the number of a call and the processor it is made for (`struct seccomp_data`).
const NUMBER: u32 = 0;
const PROCESSOR: u32 = 4;

/// This processor, as the kernel calls it (`AUDIT_ARCH_*`).
const THIS_PROCESSOR: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else if cfg!(target_arch = "aarch64") {
    0xc000_00b7
} else {
    0xc000_00f3
};

/// Lets calls for other processors through: who makes 32-bit systems on a 64-bit machine runs their programs. Without this, such
/// a program is killed.
fn other_processors() -> Vec<sock_filter> {
    vec![
        sock_filter { code: LOAD, jt: 0, jf: 0, k: PROCESSOR },
        sock_filter { code: IF_EQUAL, jt: 1, jf: 0, k: THIS_PROCESSOR },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: u32::from(SeccompAction::Allow) },
    ]
}

/// Refuses numbers of the other convention before anything else is looked at.
fn foreign_numbers() -> Vec<sock_filter> {
    vec![
        sock_filter { code: LOAD, jt: 0, jf: 0, k: NUMBER },
        sock_filter { code: IF_AT_LEAST, jt: 0, jf: 1, k: FOREIGN },
        sock_filter { code: RETURN, jt: 0, jf: 0, k: u32::from(errno(libc::EPERM)) },
    ]
}
